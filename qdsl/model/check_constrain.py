"""What constrains the mappings of a study: sets by name, also chosen by parameters of the accelerator, and its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from qdsl.diagnostics import Label, Sink
from qdsl.model.accelerator import Accelerator
from qdsl.model.check_constraints import ConstraintSet, Operators, resolve
from qdsl.model.constraint import Constraint
from qdsl.model.expressions import Value, as_truth, evaluate
from qdsl.model.findings import collecting, distinct, fail, lookup
from qdsl.model.machine import Machine
from qdsl.model.network import Network
from qdsl.model.units import Quantity
from qdsl.syntax.tree import Conditional, ConstrainBlock, ConstrainWith, Expr, Ident, Name, StudyDecl


@dataclass(frozen=True)
class StudyScope:
    """What a study can name; None: reported as wrong. declared: where, by kind and name."""

    operators: Operators
    networks: Mapping[str, Network | None]
    constraints: Mapping[str, ConstraintSet | None]
    machines: Mapping[str, Machine | None]
    declared: Mapping[tuple[str, str], Ident]


def check_constrain(
    decl: StudyDecl, scope: StudyScope, network: Network, accelerator: Accelerator, sink: Sink
) -> tuple[Constraint, ...]:
    """Of one configuration."""
    out: list[Constraint] = []
    used: list[Ident] = []
    for item in decl.items:
        with collecting(sink):
            if isinstance(item, ConstrainBlock):
                out += resolve(item.body, accelerator, scope.operators, network, sink)
            elif isinstance(item, ConstrainWith):
                for name in _names(item.value):  # a configuration may choose any of them
                    _set(name, scope, accelerator)
                name = _chosen(item.value, _parameters(scope, accelerator))
                distinct("`constrain with`", [*used, name])
                used.append(name)
                chosen = _set(name, scope, accelerator)
                out += resolve(chosen.decl.body, accelerator, {**scope.operators, **chosen.operators}, network, sink)
    return tuple(out)


def _parameters(scope: StudyScope, accelerator: Accelerator) -> dict[str, Value]:
    machine = scope.machines.get(accelerator.name)
    if machine is None:
        return {}
    return {name: Quantity(Fraction(str(x)), machine.dimension(name)) for name, x in accelerator.parameters}


def _names(expr: Expr) -> Iterator[Ident]:
    """The sets between which parameters choose."""
    match expr:
        case Conditional():
            yield from _names(expr.then)
            yield from _names(expr.otherwise)
        case Name(parts=(name,)):
            yield name
        case _:
            fail("Q0307", "a constraint set is expected", expr.span, helps=["for example `constrain with dataflow`"])


def _chosen(expr: Expr, parameters: Mapping[str, Value]) -> Ident:
    while isinstance(expr, Conditional):
        holds = as_truth(evaluate(expr.condition, parameters), expr.condition.span)
        expr = expr.then if holds else expr.otherwise
    (name,) = _names(expr)
    return name


def _set(name: Ident, scope: StudyScope, accelerator: Accelerator) -> ConstraintSet:
    found = lookup("constraint set", name, scope.constraints, declared=scope.declared)
    written_for = found.decl.accelerator
    if written_for.name != accelerator.name:
        text = f"`{name.name}` constrains mappings onto `{written_for.name}`, and this study uses `{accelerator.name}`"
        fail("Q0705", text, name.span, labels=[Label(written_for.span, "declared for this accelerator")])
    return found
