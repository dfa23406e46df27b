"""`map OPERATOR as OPERATOR(...)`: a study maps layers as if they were computed by another operator.

Sizes and parameters of the same names are taken over. The activations of the network stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from qdsl.diagnostics import Label
from qdsl.model.check_operator import OperatorTemplate, parameter_value
from qdsl.model.expressions import Value, number, split_arguments
from qdsl.model.findings import distinct, fail, lookup, unknown, whole_name
from qdsl.model.network import Layer, Network
from qdsl.model.operator import Operator, Problem, Tensor
from qdsl.model.shapes import derive_problem
from qdsl.model.units import COUNT, Quantity, whole
from qdsl.syntax.tree import MapAsStmt

Operators = Mapping[str, OperatorTemplate | None]


def replace_operators(stmts: Sequence[MapAsStmt], network: Network, operators: Operators) -> Network:
    """The network with the problems of all layers whose operator is named replaced. Raises SpecError."""
    distinct("operator", (s.operator for s in stmts))
    for stmt in stmts:
        lookup("operator", stmt.operator, operators)
        if all(x.problem.operator.name != stmt.operator.name for x in network.layers):
            text = f"no layer of `{network.name}` is a `{stmt.operator.name}`"
            fail("Q0809", text, stmt.operator.span, label="nothing to replace", helps=["remove the statement"])
    chosen = {s.operator.name: s for s in stmts}
    layers = (
        _mapped_as(chosen[x.problem.operator.name], x, operators) if x.problem.operator.name in chosen else x
        for x in network.layers
    )
    return replace(network, layers=tuple(layers))


def _mapped_as(stmt: MapAsStmt, layer: Layer, operators: Operators) -> Layer:
    template = lookup("operator", whole_name(stmt.call.function), operators)
    parameters, sizes = _arguments(stmt, layer.problem, template)
    problem = derive_problem(template.bind(parameters, stmt.call.span), sizes, [], (), stmt.call.span)
    renamed = _counterparts(stmt, layer, problem)
    return replace(layer, problem=problem, inputs=tuple((renamed[t], a) for t, a in layer.inputs))


def _arguments(stmt: MapAsStmt, old: Problem, template: OperatorTemplate) -> tuple[dict[str, int], dict[str, int]]:
    """Parameters and sizes of the new operator: as given, with the old sizes by their names, or else as they were."""
    before = {**dict(old.operator.parameters), **{d: old.size(d) for d in old.operator.dims}}
    names: dict[str, Value] = {n: Quantity(Fraction(v), COUNT) for n, v in before.items()}
    positional, named = split_arguments(stmt.call.arguments)
    if positional:
        text = f"the arguments of `{template.name}` are named here"
        fail("Q0204", text, positional[0].span, helps=["for example `map depthwise as conv2d(K = C)`"])
    parameters = {n: v for n, v in old.operator.parameters if n in template.parameters}
    sizes = {d: old.size(d) for d in old.operator.dims if d in template.dims}
    for name, (ident, expr) in named.items():
        q = number(expr, names, f"`{name}`", f"{name} = {old.operator.dims[0]}")
        if name in template.parameters:
            parameters[name] = parameter_value(q, expr.span, name)
        elif name in template.dims:
            sizes[name] = whole(q, expr.span, f"`{name}`")
        else:
            unknown("argument", ident, [*template.parameters, *template.dims], of=template.decl.name)
    return parameters, sizes


def _counterparts(stmt: MapAsStmt, layer: Layer, new: Problem) -> dict[str, str]:
    """The new name of every input activation. Raises SpecError (Q0809) unless activations keep their shapes, and weights
    stand in for weights."""
    old = layer.problem
    before, after = _activations(old.operator), _activations(new.operator)
    shapes, found = ([p.shape(t) for t in ts] for p, ts in ((old, before), (new, after)))
    names = f"`{old.operator.name}` as `{new.operator.name}`"
    labels = [Label(layer.span, f"layer `{layer.name}`")] if layer.span else []
    if shapes != found:
        notes = [f"{_shapes(p, ts)} of `{p.operator.name}`" for p, ts in ((old, before), (new, after))]
        text = f"{names} would change the activations of layer `{layer.name}`"
        fail("Q0809", text, stmt.call.span, labels=labels, notes=notes)
    if bool(old.operator.weights) != bool(new.operator.weights):
        text = f"{names}: only one of them has weights"
        fail("Q0809", text, stmt.call.span, labels=labels)
    return {x.name: y.name for x, y in zip(before, after, strict=True)}


def _activations(operator: Operator) -> list[Tensor]:
    """Inputs that are not weights, and the output last."""
    return [t for t in operator.tensors if not t.is_weight]


def _shapes(problem: Problem, tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"{t.name} {' x '.join(map(str, problem.shape(t)))}" for t in tensors)
