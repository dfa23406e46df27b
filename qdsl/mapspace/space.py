"""The mapping space of one layer at given bit-widths: which factors may stand where, in which orders, under which formulas.

Constraints that concern one factor or one tile extent become sets of allowed values; those on spatial factors stay
formulas. A constraint that couples other things cannot be kept apart this way and is refused, not ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapspace.formula import atoms, conjuncts, spatial_only, substitute, value_of
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constant, Constraint, Factor, Formula, Only, Order, Require, Scope, TileExtent
from qdsl.model.operator import Problem


@dataclass(frozen=True)
class Space:
    """The mapping space of one problem.

    factors: (place, dim) -> allowed factors, ascending; every place and dimension has an entry.
    tiles: (level, dim) -> allowed tile extents, only where constrained.
    orders: level -> order constraints there. spatial: formulas over spatial factors.
    """

    accelerator: Accelerator
    problem: Problem
    factors: MappingABC[tuple[str, str], tuple[int, ...]]
    tiles: MappingABC[tuple[str, str], frozenset[int]]
    orders: MappingABC[str, tuple[Order, ...]]
    spatial: tuple[Formula, ...]


def applies(scope: Scope, problem: Problem, bits: MappingABC[str, int]) -> bool:
    """Whether a constraint holds for this layer at these bit-widths."""
    if scope.operators is not None and problem.operator.name not in scope.operators:
        return False
    if scope.condition is None:
        return True
    return bool(value_of(substitute(scope.condition, problem, bits), lambda atom: 0.0))


def layer_space(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> Space:
    """The space of perfect factorisations under the constraints that apply.

    Raises SpecError (Q0710) for a formula the exact search cannot keep.
    """
    divisors = {d: divisors_of(n) for d, n in zip(problem.operator.dims, problem.sizes, strict=True)}
    factors = {(p, d): divisors[d] for p in accelerator.places for d in problem.operator.dims}
    for axis in "xy":
        mesh = 1
        for fanout in accelerator.fanouts:
            mesh = fanout.mesh(axis) * (mesh if fanout.pooled else 1)
            for d in problem.operator.dims:
                place = f"{fanout.name}.{axis}"
                factors[place, d] = tuple(f for f in factors[place, d] if f <= mesh)
    tiles: dict[tuple[str, str], frozenset[int]] = {}
    orders: dict[str, tuple[Order, ...]] = {}
    spatial: list[Formula] = []
    refused: list[Diagnostic] = []
    for constraint in constraints:
        if not applies(constraint.scope, problem, bits):
            continue
        if isinstance(constraint, Only):
            for d in problem.operator.dims:
                if d not in constraint.dims:
                    key = constraint.place, d
                    factors[key] = tuple(f for f in factors[key] if f == 1)
        elif isinstance(constraint, Order):
            orders[constraint.level] = (*orders.get(constraint.level, ()), constraint)
        else:
            for formula in conjuncts(substitute(constraint.formula, problem, bits)):
                if not _narrow(formula, accelerator, divisors, factors, tiles, spatial):
                    refused.append(_refusal(constraint, problem))
    if refused:
        raise SpecError(refused)
    return Space(accelerator, problem, factors, tiles, orders, tuple(spatial))


def divisors_of(n: int) -> tuple[int, ...]:
    """Divisors of n >= 1, ascending."""
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return tuple(sorted({*small, *(n // d for d in small)}))


def _narrow(
    formula: Formula,
    accelerator: Accelerator,
    divisors: MappingABC[str, tuple[int, ...]],
    factors: dict[tuple[str, str], tuple[int, ...]],
    tiles: dict[tuple[str, str], frozenset[int]],
    spatial: list[Formula],
) -> bool:
    """Takes one conjunct into the space; False if it has no place there."""
    found = atoms(formula)
    if not found:
        if not value_of(formula, lambda atom: 0.0):
            spatial.append(Constant(0.0))
        return True
    (atom, *others) = found
    if not others and isinstance(atom, Factor):
        key = atom.place, atom.dim
        factors[key] = tuple(f for f in factors[key] if _holds(formula, f))
        return True
    if not others and isinstance(atom, TileExtent):
        allowed = {e for e in divisors[atom.dim] if _holds(formula, e)}
        key = atom.level, atom.dim
        tiles[key] = frozenset(allowed & tiles[key] if key in tiles else allowed)
        return True
    if spatial_only(accelerator, found):
        spatial.append(formula)
        return True
    return False


def _holds(formula: Formula, value: int) -> bool:
    """Whether a formula of one atom is true when that atom has a value."""
    return bool(value_of(formula, lambda atom: float(value)))


def _refusal(constraint: Require, problem: Problem) -> Diagnostic:
    return Diagnostic(
        "Q0710",
        f"the exact search cannot keep this constraint on a `{problem.operator.name}` layer",
        constraint.span,
        label="couples factors of different places or dimensions",
        helps=(
            "formulas over one factor, one tile extent, or spatial factors of the arrays are supported; "
            "split a conjunction with `and` or into separate lines",
        ),
    )
