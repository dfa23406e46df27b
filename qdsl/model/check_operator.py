"""Operators: an einsum whose index expressions are affine in the dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from qdsl.diagnostics import Diagnostic, Label, Sink, Span, SpecError, did_you_mean
from qdsl.model.expressions import Names, names_in, number
from qdsl.model.findings import at_most, collecting, distinct, duplicate, fail, hand_on, quoted, skip, unknown, warn
from qdsl.model.operator import Axis, Operator, Tensor, Term
from qdsl.model.units import COUNT, Quantity, whole
from qdsl.model.width_formula import ROLES
from qdsl.syntax.tree import Binary, Expr, Name, Number, OperatorDecl, Parameter, TensorAccess, Unary

COEFFICIENT_LIMIT = 2**20
DIMS_LIMIT = 32
TENSORS_LIMIT = 16
RESERVED = ("pad",)


@dataclass(frozen=True)
class OperatorTemplate:
    """A declared operator whose parameters (stride, dilation, ...) are still open. bound: operators made so far."""

    decl: OperatorDecl
    bound: dict[tuple[tuple[str, int], ...], Operator] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def name(self) -> str:
        return self.decl.name.name

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        return {p.name.name: p for p in self.decl.parameters}

    @cached_property
    def dims(self) -> tuple[str, ...]:
        return tuple(d.name for d in self.decl.dims)

    @cached_property
    def tensors(self) -> tuple[str, ...]:
        """Names of the inputs and, last, the output."""
        rule = self.decl.rules[0]
        return (*(t.tensor.name for t in rule.inputs), rule.output.tensor.name)

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """Names of the inputs that are not weights: the positional arguments of a layer."""
        weights = {w.name for w in self.decl.weights}
        return tuple(t for t in self.tensors[:-1] if t not in weights)

    @cached_property
    def windows(self) -> tuple[str, ...]:
        """Dimensions along which windows of the activations read move, as `Operator.sliding` names them."""
        if not self.decl.rules:
            return ()  # reported as wrong; an editor may still ask
        rule = self.decl.rules[0]
        dims = {d.lower(): d for d in self.dims}
        of_output = {n for index in rule.output.indices for n in names_in(index)}
        found: list[str] = []
        for access in (a for a in rule.inputs if a.tensor.name in self.activations):
            for index in access.indices:
                terms = [n for n in names_in(index) if n in dims]
                if len(terms) > 1:
                    found.append(dims[next((n for n in terms if n in of_output), terms[0])])
        return tuple(dict.fromkeys(found))

    @property
    def pads(self) -> tuple[str, ...]:
        """Names of the arguments that pad."""
        return ("pad", *(f"pad_{d}" for d in self.windows))

    def bind(self, arguments: Mapping[str, int], span: Span | None = None) -> Operator:
        """The operator with numbers as coefficients. arguments: values of parameters; the others take their default.

        Raises SpecError for a parameter without value or an index that is not affine with positive coefficients.
        """
        key = tuple(sorted(arguments.items()))
        if key not in self.bound:
            self.bound[key] = self._bind(arguments, span)
        return self.bound[key]

    def _bind(self, arguments: Mapping[str, int], span: Span | None) -> Operator:
        parameters = self.values(arguments, span)
        rule, weights = self.decl.rules[0], {w.name for w in self.decl.weights}
        tensors = [
            Tensor(
                a.tensor.name,
                _axes(a, self.indices, _quantities(parameters)),
                a is rule.output,
                a.tensor.name in weights,
            )
            for a in (*rule.inputs, rule.output)
        ]
        given = tuple(parameters.items())
        combine = rule.combine or "*"
        operator = Operator(self.name, self.dims, tuple(tensors), "none", given, self.decl.name.span, combine)
        return replace(operator, reduction="max" if rule.assign == "max=" else "sum") if operator.combines else operator

    @cached_property
    def indices(self) -> Mapping[str, str]:
        """Dimensions by the index that stands for them in rules."""
        return {d.lower(): d for d in self.dims}

    def values(self, arguments: Mapping[str, int], span: Span | None = None) -> dict[str, int]:
        """Of all parameters. Raises SpecError."""
        parameters: dict[str, int] = {}
        for p in self.decl.parameters:
            name = p.name.name
            if name in arguments:
                parameters[name] = arguments[name]
            elif p.default is None:
                helps = [f"add `{name} = ...`"]
                fail("Q0205", f"`{self.name}` needs the argument `{name}`", span, helps=helps)
            else:
                q = number(p.default, _quantities(parameters), f"the default of `{name}`", "1")
                parameters[name] = parameter_value(q, p.default.span, name)
        return parameters


def check_operator(decl: OperatorDecl, sink: Sink) -> OperatorTemplate | None:
    """Checks a declared operator; None if it cannot be used."""
    found = Sink()
    with collecting(found):
        _check_names(decl)
    with collecting(found):
        _check_rule(decl)
    template = OperatorTemplate(decl)
    for access in [a for rule in decl.rules for a in (rule.output, *rule.inputs)]:
        if (name := access.tensor).name in ROLES:
            text = f"tensor `{name.name}` hides the role `{name.name}` in `bits({name.name})`"
            warn(found, "Q0206", text, name.span, helps=["rename the tensor"])
    # A parameter without default is tried with 1, so that the indices are checked where they are written.
    tried = {p.name.name: 1 for p in decl.parameters if p.default is None}
    if not found.errors:
        with collecting(found):
            try:
                operator = template.bind(tried)
            except SpecError:  # of the first index that is wrong
                _check_indices(template, _quantities(template.values(tried)), found)
                skip()
            _check_use(decl, operator)
    return template if hand_on(found, sink) else None


def _quantities(parameters: Mapping[str, int]) -> Names:
    return {name: Quantity(Fraction(value), COUNT) for name, value in parameters.items()}


def parameter_value(q: Quantity, span: Span, name: str) -> int:
    return whole(q, span, f"`{name}`", 1, COEFFICIENT_LIMIT)


def _check_names(decl: OperatorDecl) -> None:
    at_most(DIMS_LIMIT, decl.dims, "an operator", "dimensions")
    at_most(TENSORS_LIMIT - 1, [a for r in decl.rules for a in r.inputs], "an operator", "input tensors")
    distinct("dimension", decl.dims)
    distinct("parameter", (p.name for p in decl.parameters))
    distinct("weight tensor", decl.weights)
    names = {p.name.name: p.name for p in decl.parameters}
    lower: dict[str, str] = {}
    for dim in decl.dims:
        if dim.name.lower() in lower:
            other = lower[dim.name.lower()]
            message = f"dimensions `{other}` and `{dim.name}` have the same index `{dim.name.lower()}`"
            fail("Q0402", message, dim.span, helps=["rename one of them"])
        lower[dim.name.lower()] = dim.name
        for text in (dim.name, dim.name.lower()):
            if text in names:
                duplicate("parameter", names[text], dim)
    for name in (*decl.dims, *names.values()):
        if name.name in RESERVED or name.name in {f"pad_{d.name}" for d in decl.dims}:
            fail("Q0202", f"`{name.name}` is an argument of every layer", name.span, helps=["choose another name"])


def _check_rule(decl: OperatorDecl) -> None:
    if len(decl.rules) != 1:
        span = decl.rules[1].span if decl.rules else decl.name.span
        text = f"operator `{decl.name.name}` needs exactly one rule, not {len(decl.rules)}"
        fail("Q0401", text, span, helps=["for example `O[m, n] += I[m, k] * W[k, n]`"])
    rule = decl.rules[0]
    distinct("tensor", (a.tensor for a in (*rule.inputs, rule.output)))
    known = [a.tensor.name for a in rule.inputs]
    for weight in decl.weights:
        if weight.name not in known:
            unknown("input tensor", weight, known, helps=["`weights` names inputs on the right-hand side"])
    if set(known) == {w.name for w in decl.weights}:
        text = f"operator `{decl.name.name}` has no input activation"
        fail("Q0401", text, rule.span, notes=[f"all of its inputs are weights: {quoted(known)}"])
    for access in (*rule.inputs, rule.output):
        if not access.indices:
            fail(
                "Q0402", f"tensor `{access.tensor.name}` has no axes", access.span, helps=["give it one index or more"]
            )


def _check_indices(template: OperatorTemplate, values: Names, sink: Sink) -> None:
    """Reports every index that is wrong; what is said of several is said once, with all their places."""
    rule, found = template.decl.rules[0], Sink()
    for index in (e for a in (rule.output, *rule.inputs) for e in a.indices):
        with collecting(found):
            _axis(index, template.indices, values)
    alike: dict[str, list[Diagnostic]] = {}
    for diagnostic in found:
        alike.setdefault(diagnostic.message, []).append(diagnostic)
    for first, *others in alike.values():
        labels = (Label(d.span, "here, too") for d in others if d.span)
        sink.add(replace(first, labels=(*first.labels, *labels)))


def _check_use(decl: OperatorDecl, operator: Operator) -> None:
    rule = decl.rules[0]
    used = {d for t in operator.tensors for d in t.dims}
    for dim in decl.dims:
        if dim.name not in used:
            text = f"dimension `{dim.name}` is used by no tensor"
            fail("Q0404", text, dim.span, helps=[f"index a tensor with `{dim.name.lower()}` or remove the dimension"])
    for p in decl.parameters:
        if p.name.name not in set(names_in(rule)):
            fail(
                "Q0404", f"parameter `{p.name.name}` is not used", p.span, label="no index uses it", helps=["remove it"]
            )
    for tensor, access in zip(operator.tensors, (*rule.inputs, rule.output), strict=True):
        dims = [d for a in tensor.axes for d in a.dims]
        if twice := next((d for d in dims if dims.count(d) > 1), None):
            fail("Q0402", f"`{twice}` indexes two axes of `{tensor.name}`", access.span, label="not supported")
    if operator.combines and rule.assign == "=":
        reduced = [d for d in decl.dims if d.name not in operator.output.dims]
        shared = [
            (axis, index)
            for axis, index in zip(operator.output.axes, rule.output.indices, strict=True)
            if len(axis.terms) > 1
        ]
        text = (
            f"`=` cannot sum over {quoted([*(d.name for d in reduced), *(d for axis, _ in shared for d in axis.dims)])}"
        )
        labels = [Label(d.span, "not an index of the output") for d in reduced]
        labels += [Label(index.span, "different indices may give the same value") for _, index in shared]
        fail("Q0405", text, rule.span, labels=labels, helps=["write `+=` for a sum or `max=` for a maximum"])


def _axes(access: TensorAccess, indices: Mapping[str, str], values: Names) -> tuple[Axis, ...]:
    return tuple(_axis(e, indices, values) for e in access.indices)


def _axis(e: Expr, indices: Mapping[str, str], values: Names) -> Axis:
    offset, terms = _affine(e, indices, values)
    if offset:
        fail("Q0402", "an index cannot have an offset", e.span, label=f"adds {offset}", helps=["leave it out"])
    for dim, c in terms.items():
        if c.denominator != 1 or not 1 <= c <= COEFFICIENT_LIMIT:
            fail("Q0402", "a coefficient must be a positive whole number", e.span, label=f"`{dim.lower()}` times {c}")
    if not terms:
        fail("Q0402", "an index must name a dimension", e.span, helps=["use dimensions in lower case, such as `n`"])
    return Axis(tuple(Term(d, int(c)) for d, c in terms.items()))


def _affine(e: Expr, indices: Mapping[str, str], values: Names) -> tuple[Fraction, dict[str, Fraction]]:
    """Offset, and coefficient per dimension, of an index expression."""
    if isinstance(e, Name) and len(e.parts) == 1:
        name = e.parts[0]
        if name.name in indices:
            return Fraction(0), {indices[name.name]: Fraction(1)}
        if name.name not in values:
            helps = did_you_mean(name.name, {*indices, *values}) or (f"indices: {quoted(indices)}",)
            lower = name.name.lower()
            helps = (f"the index of dimension `{name.name}` is `{lower}`",) if lower in indices else helps
            fail("Q0201", f"unknown index or parameter `{name.name}`", name.span, label="not declared", helps=helps)
    if isinstance(e, Number | Name):
        return number(e, values, "a coefficient", "2").value, {}
    if isinstance(e, Unary) and e.op == "-":
        offset, terms = _affine(e.operand, indices, values)
        return -offset, {d: -c for d, c in terms.items()}
    if isinstance(e, Binary) and e.op in ("+", "-"):
        (a, left), (b, right) = (_affine(e.left, indices, values), _affine(e.right, indices, values))
        sign = 1 if e.op == "+" else -1
        return a + sign * b, {d: left.get(d, Fraction(0)) + sign * right.get(d, Fraction(0)) for d in {**left, **right}}
    if isinstance(e, Binary) and e.op == "*":
        (a, left), (b, right) = (_affine(e.left, indices, values), _affine(e.right, indices, values))
        if left and right:
            fail("Q0402", "an index must be affine", e.span, label="this multiplies two dimensions")
        factor, offset, terms = (a, b, right) if right else (b, a, left)
        return offset * factor, {d: c * factor for d, c in terms.items()}
    fail("Q0402", "an index must be a sum of dimensions times numbers", e.span, helps=["for example `stride*p + r`"])
