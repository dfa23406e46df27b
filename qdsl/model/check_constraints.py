"""Constraints on mappings: names resolved for one accelerator, formulas typed, scopes of nested blocks combined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import NoReturn

from qdsl.diagnostics import Sink, Span
from qdsl.model.accelerator import Accelerator
from qdsl.model.check_limit import check_limit
from qdsl.model.check_mapping import check_place, checked_choice
from qdsl.model.check_operator import OperatorTemplate
from qdsl.model.constraint import Constraint, Keep, Limit, Only, Operation, Order, Require, Same, Scope
from qdsl.model.findings import collecting, distinct, fail, hand_on, lookup, quoted, skip, text_of, unknown, warn
from qdsl.model.for_each import values_of_variable, with_value
from qdsl.model.formulas import Vocabulary, check_formula, tensors_in
from qdsl.model.network import Network
from qdsl.model.review_constraints import Case, review_constraints
from qdsl.syntax.tree import Constraint as ConstraintNode
from qdsl.syntax.tree import (
    ConstraintsDecl,
    EveryConstraint,
    ForConstraint,
    FormulaConstraint,
    Ident,
    IfConstraint,
    KeepConstraint,
    Node,
    OnlyConstraint,
    OrderConstraint,
    SameConstraint,
)

_Leaf = OnlyConstraint | OrderConstraint | KeepConstraint | FormulaConstraint
Operators = Mapping[str, OperatorTemplate | None]

CONSTRAINTS_LIMIT = 2048


@dataclass(frozen=True)
class ConstraintSet:
    """A named set as written; it is resolved again for every study that uses it. operators: what its file can name."""

    decl: ConstraintsDecl
    operators: Operators


def check_set(
    decl: ConstraintsDecl, accelerator: Accelerator | None, operators: Operators, sink: Sink
) -> ConstraintSet | None:
    """Checks a named set on its own; None if it cannot be used. accelerator: None if that was reported as wrong."""
    if accelerator is None:
        return None
    found = Sink()
    constraints = resolve(decl.body, accelerator, operators, None, found)
    dims = _vocabulary(accelerator, operators, None).dims
    if dims and not found.errors:
        any_layer = Case(accelerator, dims, sized=not accelerator.parameters)
        for diagnostic in review_constraints(constraints, [any_layer]):
            found.add(diagnostic)
    return ConstraintSet(decl, operators) if hand_on(found, sink) else None


def resolve(
    body: Iterable[ConstraintNode],
    accelerator: Accelerator,
    operators: Operators,
    network: Network | None,
    sink: Sink,
) -> tuple[Constraint, ...]:
    """Checked constraints of a set or block, for the layers of a network (None: for whatever network comes)."""
    resolver = _Resolver(_vocabulary(accelerator, operators, network), operators, network)
    out: list[Constraint] = []
    for node in body:
        out.extend(resolver.resolve(node, Scope(), None, sink))
    return tuple(out)


def _vocabulary(accelerator: Accelerator, operators: Operators, network: Network | None) -> Vocabulary:
    known = [o for o in operators.values() if o]
    layers = network.layers if network else ()
    dims = {d for o in known for d in o.dims} | {d for layer in layers for d in layer.problem.operator.dims}
    tensors = {t for o in known for t in o.tensors}
    tensors |= {t.name for layer in layers for t in layer.problem.operator.tensors}
    return Vocabulary(accelerator, frozenset(dims), frozenset(tensors))


@dataclass(frozen=True)
class _Resolver:
    """read: every constraint of the set or block so far, as often as it is repeated."""

    vocabulary: Vocabulary
    operators: Operators
    network: Network | None
    read: list[ConstraintNode] = field(default_factory=list)

    def resolve(self, node: ConstraintNode, scope: Scope, outer: Node | None, sink: Sink) -> list[Constraint]:
        """outer: the `if` that the constraint stands in, whose text then is the constraint's."""
        with collecting(sink):
            self.read.append(node)
            if len(self.read) > CONSTRAINTS_LIMIT:
                self._too_many(node)
            if isinstance(node, EveryConstraint):
                scope = self._every(node, scope)
                return [c for inner in node.body for c in self.resolve(inner, scope, outer, sink)]
            if isinstance(node, ForConstraint):
                return self._for(node, scope, outer, sink)
            if isinstance(node, IfConstraint):
                condition = check_formula(node.condition, self.vocabulary, condition=True)
                both = Operation("and", (scope.condition, condition)) if scope.condition else condition
                scope = self._with_tensors(replace(scope, condition=both), tensors_in(condition))
                return self.resolve(node.body, scope, outer or node, sink)
            if isinstance(node, SameConstraint):
                return [self._same(node, scope, (outer or node).span)]
            return [self._leaf(node, scope, (outer or node).span)]
        return []

    def _too_many(self, node: ConstraintNode) -> NoReturn:
        """Raises the finding, once."""
        if len(self.read) > CONSTRAINTS_LIMIT + 1:
            skip()
        notes = ["each is counted as often as the `for` around it repeats it"]
        fail("Q0008", f"there are more than {CONSTRAINTS_LIMIT} constraints", node.span, notes=notes)

    def _for(self, node: ForConstraint, scope: Scope, outer: Node | None, sink: Sink) -> list[Constraint]:
        """The constraints of the body for every value, each with the value in its text and in what is found wrong."""
        out: list[Constraint] = []
        if kind := self._hidden(node.variable.name):
            text = f"`{node.variable.name}` hides the {kind} of that name within this `for`"
            warn(sink, "Q0206", text, node.variable.span, helps=["rename the variable"])
        for value, shown in values_of_variable(node):
            if len(self.read) > CONSTRAINTS_LIMIT:
                break
            found = Sink()
            for inner in node.body:
                with collecting(found):
                    body = with_value(inner, node.variable, value)
                    made = self.resolve(body, scope, outer, found)
                    out += [replace(c, text=f"{c.text} ({node.variable.name} = {shown})") for c in made]
            for d in found:
                sink.add(replace(d, notes=(*d.notes, f"`{node.variable.name}` stands for `{shown}`")))
        return out

    def _hidden(self, name: str) -> str:
        """What a variable takes the name of, '' if nothing."""
        known = {
            "dimension": self.vocabulary.dims,
            "tensor": self.vocabulary.tensors,
            "place": self.vocabulary.accelerator.places,
            "array": [f.name for f in self.vocabulary.accelerator.fanouts],
            "operator": self.operators,
        }
        return next((kind for kind, names in known.items() if name in names), "")

    def _same(self, node: SameConstraint, scope: Scope, span: Span) -> Same:
        if scope.condition is not None:
            fail("Q0703", "`same` cannot depend on a condition", node.span, helps=["name the layers it is for"])
        scope = self._every(node, scope)
        if self.network is not None:
            problems = {x.problem for x in self.network.layers if scope.includes(x.problem)}
            if len(problems) < 2:
                found = "layers that are one problem" if problems else "no layer"
                fail("Q0706", f"`same` holds for {found}", node.span, label="nothing to be the same")
        return Same(scope, text_of(span), span)

    def _leaf(self, node: _Leaf, scope: Scope, span: Span) -> Constraint:
        text = text_of(span)
        accelerator = self.vocabulary.accelerator
        match node:
            case OnlyConstraint():
                place = check_place(node.place, accelerator, node.kind)
                return Only(place, frozenset(self._dims(node.dims)), scope, text, span)
            case OrderConstraint():
                level = check_place(node.level, accelerator, "temporal")
                return Order(level, self._dims(node.dims), node.anchor, scope, text, span)
            case KeepConstraint():
                tensors = frozenset(self._open_tensors(node))
                return Keep(node.level.name, tensors, node.kept, scope, text, span)
            case FormulaConstraint():
                if limit := check_limit(node.formula, accelerator):
                    return Limit(limit.quantity, limit.level, limit.most, scope, text, span)
                formula = check_formula(node.formula, self.vocabulary)
                return Require(formula, self._with_tensors(scope, tensors_in(formula)), text, span)

    def _open_tensors(self, node: KeepConstraint) -> list[str]:
        distinct("tensor", node.tensors)
        return [checked_choice(node.level, tensor, self.vocabulary.accelerator) for tensor in node.tensors]

    def _dims(self, dims: Sequence[Ident]) -> tuple[str, ...]:
        distinct("dimension", dims)
        for dim in dims:
            self.vocabulary.check_dim(dim)
        return tuple(d.name for d in dims)

    def _every(self, node: EveryConstraint | SameConstraint, scope: Scope) -> Scope:
        if node.layers:
            return self._every_layer(node, scope)
        distinct("operator", node.operators)
        for name in node.operators:
            if name.name not in self.operators:
                helps = ["import the file that declares it"]
                unknown("operator", name, self.operators, helps=helps)
            lookup("operator", name, self.operators)
        chosen = frozenset(o.name for o in node.operators)
        if scope.operators is not None and not chosen & scope.operators:
            text = "this holds for no layer"
            fail("Q0706", text, node.span, notes=["the `every` around it names none of these operators"])
        return replace(scope, operators=chosen & scope.operators if scope.operators is not None else chosen)

    def _every_layer(self, node: EveryConstraint | SameConstraint, scope: Scope) -> Scope:
        """Layers of one problem are mapped once, so that a constraint holds for all of them or none."""
        if self.network is None:
            return scope
        layers = self.network.layers
        chosen = {
            p.name: [x for x in layers if fnmatchcase(x.name, p.name) or fnmatchcase(x.output, p.name)]
            for p in node.layers
        }
        for pattern in node.layers:
            if not chosen[pattern.name]:
                unknown("layer", pattern, [x.name for x in layers], of=self.network)
        names = {x.name for found in chosen.values() for x in found}
        problems = frozenset(x.problem for found in chosen.values() for x in found)
        if twins := [x.name for x in layers if x.problem in problems and x.name not in names]:
            same = next(x.name for x in layers if x.name in names and x.problem == self.network.layer(twins[0]).problem)
            text = f"`{same}` and `{twins[0]}` are one problem, and only one of them is named"
            notes = ["layers of one operator and equal sizes are mapped once, so a constraint holds for all of them"]
            helps = [f"name {quoted(twins)} as well"]
            fail("Q0707", text, node.layers[0].span, notes=notes, helps=helps)
        return replace(scope, problems=problems & scope.problems if scope.problems is not None else problems)

    def _with_tensors(self, scope: Scope, tensors: frozenset[str]) -> Scope:
        """A constraint on bits(T) is for the layers that have a tensor T."""
        if self.network is None or not tensors:
            return scope
        having = frozenset(
            p.operator.name for p in self.network.distinct_problems if tensors <= {t.name for t in p.operator.tensors}
        )
        if scope.operators is not None:
            having &= scope.operators
        return replace(scope, operators=having)
