"""From constraints to spaces that keep them: disjoint ones, whose mappings together are the legal ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import replace
from math import inf

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapspace.formula import Atom, assigned, atoms, conjuncts, holds, spatial_only
from qdsl.mapspace.limits import is_spatial, latency_formula
from qdsl.mapspace.space import Space, asked_of, divisors_of, required, whole_space, wrongly_kept
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import (
    ComputeInUse,
    Constraint,
    Factor,
    Formula,
    Keep,
    LayerConstraint,
    Limit,
    Occupancy,
    Only,
    Order,
    Require,
    TileExtent,
    Utilization,
)
from qdsl.model.interval import Interval, bounds
from qdsl.model.operator import Problem
from qdsl.symbolic.widths import fits_words

_MEASURES = (Utilization, Occupancy, ComputeInUse)
"""Atoms that are no choice by themselves."""

MOST_CASES = 128
"""Spaces into which the constraints of a layer may split what it can do with one choice of kept tensors."""


def layer_spaces(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> tuple[Space, ...]:
    """The perfect factorisations under the constraints that apply, as disjoint spaces. A space can still be empty, by its
    formulas or capacities.

    Raises SpecError: Q0710 for formulas that take too many cases, Q0304 for undefined ones.
    """
    # formulas come last, since they may split what is left into cases
    applying = sorted(asked_of(constraints, problem, bits), key=lambda c: isinstance(c, Require))
    orders = [c for c in applying if isinstance(c, Order)]
    spaces: list[Space] = []
    refused: dict[LayerConstraint, None] = {}
    for bypass in accelerator.bypass_choices(t.name for t in problem.operator.tensors):
        machine = accelerator.resolved(bypass)
        obeyed = not any(wrongly_kept(c, machine, problem) for c in applying if isinstance(c, Keep))
        if obeyed and fits_words(machine, problem, bits):
            found = [whole_space(machine, problem, bypass, orders)]
            for constraint in applying:
                kept = _keeping(constraint, found, bits)
                if kept is None:
                    refused[constraint] = None
                found = found if kept is None else kept
            spaces.extend(found)
    if refused:
        raise SpecError(_refusal(c, problem) for c in refused)
    return tuple(spaces)


def countable_spaces(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> tuple[Space, ...]:
    """The same, if nothing but capacities is left to ask of a mapping. Raises SpecError (Q0710) also for limits of what it
    costs."""
    spaces = layer_spaces(accelerator, problem, bits, constraints)
    if limits := list(dict.fromkeys(limit for space in spaces for limit in space.limits)):
        raise SpecError(map(_uncountable, limits))
    return spaces


def _keeping(constraint: LayerConstraint, spaces: list[Space], bits: MappingABC[str, int]) -> list[Space] | None:
    """What of the spaces keeps a constraint; None if that takes too many cases."""
    if isinstance(constraint, Only):
        for d in spaces[0].problem.operator.dims if spaces else ():
            if d not in constraint.dims:
                spaces = [r for s in spaces for r in _restricted(s, Factor(constraint.place, d), {1})]
    elif isinstance(constraint, Limit):
        return [limited for s in spaces for limited in _limited(s, constraint, bits)]
    elif isinstance(constraint, Require):
        for space in spaces[:1]:
            for formula in conjuncts(required(constraint, space.problem, bits)):
                found = [_narrowed(s, formula) for s in spaces]
                spaces = [s for narrowed in found if narrowed is not None for s in narrowed]
                if None in found or len(spaces) > MOST_CASES:
                    return None
    return spaces


def _limited(space: Space, limit: Limit, bits: MappingABC[str, int]) -> list[Space]:
    if not is_spatial(limit, space.accelerator):
        space = replace(space, limits=(*space.limits, limit))
    if limit.quantity != "latency":
        return [space]
    return _narrowed(space, latency_formula(limit, space.accelerator, space.problem, bits)) or []


def _narrowed(space: Space, formula: Formula) -> list[Space] | None:
    """Disjoint spaces that hold the mappings of one for which a conjunct is true; None if they would be too many."""
    found = atoms(formula)
    if not found:
        return [space] if holds(formula, lambda atom: 0.0) else []
    (atom, *others) = found
    if not others and isinstance(atom, Factor | TileExtent):
        return _restricted(space, atom, {n for n in _values(space, atom) if _holds(formula, n)})
    if spatial_only(space.accelerator, found):
        return [replace(space, spatial=(*space.spatial, formula))]
    levels = {_group(space, a) for a in found}
    if len(levels) == 1 and not isinstance(atom, Factor):
        (level,) = levels
        return [replace(space, levels={**space.levels, level: (*space.levels.get(level, ()), formula)})]
    return _split(space, formula, found)


def _split(space: Space, formula: Formula, found: Iterable[Atom]) -> list[Space] | None:
    """One case for every value of one of the atoms; those in which the rest of the formula asks the same are one."""
    least, most = bounds(formula, lambda atom: _range(space, atom))
    if least == 1 or most < 1:
        return [space] if least == 1 else []
    atom = _to_fix(space, sorted(found, key=repr))
    if atom is None:
        return None
    alike: dict[tuple[str, ...], tuple[list[Space], set[int]]] = {}
    for n in _values(space, atom):
        rest = _narrowed(space, assigned(formula, atom, n))
        if rest is None:
            return None
        _, values = alike.setdefault(tuple(s.key for s in rest), (rest, set()))
        values.add(n)
    cases = [r for rest, values in alike.values() for s in rest for r in _restricted(s, atom, values)]
    return cases if len(cases) <= MOST_CASES else None


def _to_fix(space: Space, found: Sequence[Atom]) -> Factor | TileExtent | None:
    """A factor or extent outside the largest group of atoms that can stay in one formula, the one with the fewest values;
    None if there is none. Atoms that have no values of their own have to stay."""
    groups = [_group(space, a) for a in found]
    measured = [g for a, g in zip(found, groups, strict=True) if isinstance(a, _MEASURES)]
    stays = measured[0] if measured else max(groups, key=groups.count)
    free = [a for a, g in zip(found, groups, strict=True) if g != stays and not isinstance(a, _MEASURES)]
    return min(free, key=lambda a: len(_values(space, a)), default=None)


def _group(space: Space, atom: Atom) -> str:
    """Atoms of one group can stay together in a formula: spatial factors, and the tiles of a level."""
    if spatial_only(space.accelerator, frozenset({atom})):
        return "spatial"
    if isinstance(atom, TileExtent | Occupancy):
        return atom.level
    return repr(atom)


def _values(space: Space, atom: Factor | TileExtent) -> Sequence[int]:
    """What a factor or extent can be in a space, ascending."""
    if isinstance(atom, Factor):
        return space.factors[atom.place, atom.dim]
    allowed = space.tiles.get((atom.level, atom.dim))
    divisors = divisors_of(space.problem.size(atom.dim))
    return divisors if allowed is None else tuple(n for n in divisors if n in allowed)


def _range(space: Space, atom: Atom) -> Interval:
    if isinstance(atom, _MEASURES):
        return 0.0, inf
    values = _values(space, atom)
    return float(min(values)), float(max(values))


def _restricted(space: Space, atom: Factor | TileExtent, values: set[int]) -> list[Space]:
    """The space with only these values of a factor or extent; nothing if none is left."""
    left = tuple(n for n in _values(space, atom) if n in values)
    if not left:
        return []
    if isinstance(atom, Factor):
        return [replace(space, factors={**space.factors, (atom.place, atom.dim): left})]
    return [replace(space, tiles={**space.tiles, (atom.level, atom.dim): frozenset(left)})]


def _holds(formula: Formula, value: int) -> bool:
    """Whether a formula of one atom is true when that atom has a value."""
    return holds(formula, lambda atom: value)


def _uncountable(limit: Limit) -> Diagnostic:
    return Diagnostic(
        "Q0710",
        f"mappings cannot be counted under a limit of their {limit.quantity}",
        limit.span,
        label="a matter of each single mapping",
        helps=("leave the limit out to count; `qdsl map` keeps it",),
    )


def _refusal(constraint: LayerConstraint, problem: Problem) -> Diagnostic:
    return Diagnostic(
        "Q0710",
        f"the exact search cannot keep this constraint on a `{problem.operator.name}` layer",
        constraint.span,
        label="couples too much",
        notes=(f"what it couples would have to be searched in more than {MOST_CASES} cases",),
        helps=(
            "formulas over one factor, over the tiles of one memory, or over spatial factors need no cases; "
            "split a conjunction with `and` or into separate lines",
        ),
    )
