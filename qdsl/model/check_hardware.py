"""The configurations of an accelerator that a study searches: parameters with several values, under limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import TypeVar

from qdsl.diagnostics import Diagnostic, Sink, SpecError
from qdsl.model.accelerator import Accelerator
from qdsl.model.expressions import contains, members, number
from qdsl.model.findings import fail, hand_on, quoted, unknown
from qdsl.model.machine import Machine
from qdsl.model.units import AREA, BITS, COUNT, Dimension, Quantity
from qdsl.syntax.tree import Argument, Ident, LimitStmt, MachineRef, Membership, Name, ParamDecl, ValueSet

MOST_CONFIGURATIONS = 1000
"""Each has tables of its own: more would take days."""

ERROR = "error"
LIMITED: dict[str, tuple[Dimension, str]] = {
    "area": (AREA, "2 mm2"),
    "capacity": (BITS, "256 KiB"),
    "units": (COUNT, "256"),
    ERROR: (COUNT, "2 %"),
}
"""What a study can limit, with the dimension and an example of the limit. All but the error are of the accelerator."""

_ROUNDING = 1e-9  # sums of areas are sums of floats

Values = Mapping[str, Quantity]
T = TypeVar("T")


@dataclass(frozen=True)
class Bound:
    """An accelerator with the values of its searched parameters; none if no parameter is searched."""

    values: Values
    accelerator: Accelerator


def bound_machines(machine: Machine, reference: MachineRef, limits: Sequence[LimitStmt], sink: Sink) -> list[Bound]:
    """Every configuration within the limits, the last parameter varying fastest. Raises SpecError."""
    fixed, searched = _split(machine, reference) if machine.default else ((), {})
    if not searched:
        accelerator = machine.bind(reference, sink)
        return _within([Bound({}, accelerator)], limits) if accelerator else []
    count = prod(len(values) for values in searched.values())
    if count > MOST_CONFIGURATIONS:
        text = f"{count:,} configurations are more than {MOST_CONFIGURATIONS:,}"
        fail("Q0822", text, reference.span, helps=["give fewer values to some parameters"])
    found = []
    for chosen in product(*searched.values()):
        values = dict(zip(searched, chosen, strict=True))
        own = Sink()
        accelerator = machine.at(fixed, values, own)
        if accelerator is None:
            raise SpecError(_noted(own, values))
        found.append(Bound(values, accelerator))
    return _within(found, limits)


def fit_all(bounds: Sequence[Bound], fit: Callable[[Accelerator, Sink], T | None], sink: Sink) -> Iterator[T]:
    """What a check gives for every configuration, up to the first one that it refuses. Warnings are those of the first."""
    for bound in bounds:
        own = Sink()
        fitted = fit(bound.accelerator, own)
        if own.errors or fitted is None:
            for diagnostic in _noted(own, bound.values):
                sink.add(diagnostic)
            return
        if bound is bounds[0]:
            hand_on(own, sink)
        yield fitted


def _split(machine: Machine, reference: MachineRef) -> tuple[tuple[Argument, ...], dict[str, list[Quantity]]]:
    """The arguments that fix a parameter; and the values of those that are searched: `rows in {8, 12}`, `rows`."""
    fixed: list[Argument] = []
    named: dict[str, Ident] = {}
    searched: dict[str, list[Quantity]] = {}
    for argument in reference.arguments:
        name = searched_parameter(argument)
        options = argument.value.options if isinstance(argument.value, Membership) else None
        if name is None:
            fixed.append(argument)
            continue
        if name.name in named or any(a.name and a.name.name == name.name for a in reference.arguments):
            fail("Q0204", f"the argument `{name.name}` is given twice", argument.span)
        named[name.name] = name
        if name.name not in machine.parameters:
            unknown("parameter", name, machine.parameters, of=machine.decl.name)
        searched[name.name] = _values(machine.parameters[name.name], machine.dimension(name.name), name, options)
    return tuple(fixed), searched


def searched_parameter(argument: Argument) -> Ident | None:
    """The parameter that an argument has searched: `rows in {8, 12}`, `rows`; None if it does not."""
    value = argument.value.operand if isinstance(argument.value, Membership) else argument.value
    return value.parts[0] if argument.name is None and isinstance(value, Name) else None


def _values(param: ParamDecl, dimension: Dimension, name: Ident, options: ValueSet | None) -> list[Quantity]:
    if options is None and param.domain is None:
        helps = [f"list them, for example `{name.name} in {{2, 4}}`, or declare them with `in`"]
        fail("Q0504", f"`{name.name}` has no set of values to search", name.span, helps=helps)
    chosen = options or param.domain
    assert chosen is not None
    if dimension != COUNT:
        contains(chosen, Quantity(Fraction(0), dimension))  # refuses ranges of quantities without a step
    values = [Quantity(v, dimension) for v in members(chosen, dimension)]
    for q in values:
        if param.domain is not None and not contains(param.domain, q):
            helps = [f"`{name.name}` alone has all of its values searched"]
            fail(
                "Q0504",
                f"`{name.name}` cannot be {size_text(q)}",
                chosen.span,
                label="not one of its values",
                helps=helps,
            )
    return values


def _within(bounds: list[Bound], limits: Sequence[LimitStmt]) -> list[Bound]:
    """Those that keep all limits. Raises SpecError if none does."""
    for limit in limits:
        name, most = limit.quantity, largest(limit)
        if name.name == ERROR:
            continue
        values = [measure(b.accelerator, name) for b in bounds]
        kept = [b for b, v in zip(bounds, values, strict=True) if v <= float(most.value) * (1 + _ROUNDING)]
        if not kept:
            shown = Quantity(Fraction(min(values)).limit_denominator(10**9), most.dimension)
            fail(
                "Q0820",
                f"no configuration keeps `{name.name} <= {most}`",
                limit.span,
                notes=[f"it is at least {shown}"],
            )
        bounds = kept
    return bounds


def largest(limit: LimitStmt) -> Quantity:
    """What a limit allows. Raises SpecError."""
    name = limit.quantity
    if name.name not in LIMITED:
        unknown("quantity", name, LIMITED)
    dimension, example = LIMITED[name.name]
    if limit.comparison != "<=":
        fail(
            "Q0820", "a limit is what something may be at most", limit.span, helps=[f"`limit {name.name} <= {example}`"]
        )
    return number(limit.value, {}, f"the limit of the {name.name}", f"limit {name.name} <= {example}", dimension)


def measure(accelerator: Accelerator, name: Ident) -> float:
    """Area in mm2, on-chip capacity in bits or the number of compute units. Raises SpecError for an area not stated."""
    if name.name == "units":
        return accelerator.compute_instances
    if name.name == "capacity":
        return accelerator.capacity_bits
    if missing := accelerator.without_area:
        text = f"the area of {quoted(missing)} is not stated, so the whole area is not known"
        fail("Q0820", text, name.span, helps=["add `area 0.1 mm2` to them"])
    assert accelerator.area_mm2 is not None
    return accelerator.area_mm2


def size_text(q: Quantity) -> str:
    """`12`, `64 KiB`, `200 pJ`: bits in the largest unit of which they are a whole number."""
    units = (("MiB", 8 * 2**20), ("KiB", 8 * 2**10), ("bit", 1)) if q.dimension == BITS else ()
    return next((f"{q.value / n} {unit}" for unit, n in units if q.value and q.value % n == 0), str(q))


def _noted(found: Sink, values: Values) -> list[Diagnostic]:
    """The errors, with the configuration in which they arise."""
    if not values:
        return list(found.diagnostics)
    at = "with " + ", ".join(f"{name} = {size_text(q)}" for name, q in values.items())
    return [replace(d, notes=(*d.notes, at)) for d in found.errors]
