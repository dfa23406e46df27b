"""Choices of all widths of a network, by Z3: which there are when some combinations leave a layer without a mapping.

Booleans say "this variable has this option", exactly one per variable; a clause excludes each combination that leaves a
layer without a mapping, under a guard of that layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from qdsl.mapspace.feasibility import minimal

if TYPE_CHECKING:
    import z3

# Index of a variable and of one of its options.
Option = tuple[int, int]
Combination = tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Every combination of the options that a layer depends on, by what is known of it."""

    layer: str
    feasible: tuple[Combination, ...]
    infeasible: tuple[Combination, ...]
    unknown: tuple[Combination, ...]

    def excludes(self, options: Iterable[Option]) -> bool:
        """Whether the layer has no mapping at any combination with these options."""
        given = dict(options)
        return not any(all(given.get(v, o) == o for v, o in c) for c in (*self.feasible, *self.unknown))


class Choices:
    """option_counts: of every variable. tables: of the layers that have no mapping at some combinations, or perhaps
    none. timeout_s: for each question."""

    def __init__(self, option_counts: Sequence[int], tables: Sequence[Table], timeout_s: float) -> None:
        import z3

        self._z3 = z3
        self._context = z3.Context()
        self._solver = z3.Solver(ctx=self._context)
        self._solver.set("timeout", int(1000 * min(max(timeout_s, 0.001), 1e6)))
        self._tables = tables
        self._literals: dict[Option, z3.BoolRef] = {}
        self._named: dict[str, Option] = {}
        for v, count in enumerate(option_counts):
            options = [z3.Bool(f"variable {v} option {o}", self._context) for o in range(count)]
            self._solver.add(z3.Or(options), *(z3.Not(z3.And(a, b)) for a, b in combinations(options, 2)))
            self._literals.update(((v, o), literal) for o, literal in enumerate(options))
            self._named.update((literal.decl().name(), (v, o)) for o, literal in enumerate(options))
        self._known = z3.Bool("only combinations known to have a mapping", self._context)
        self._guards = {t.layer: z3.Bool(f"layer {t.layer}", self._context) for t in tables}
        for t in tables:
            for combination in t.infeasible:
                self._forbid(combination, self._guards[t.layer])
            for combination in t.unknown:
                self._forbid(combination, self._guards[t.layer], self._known)

    def conflict(self, *options: Option) -> tuple[str, ...]:
        """Layers that no choice with these options serves together, none of which can be left out; one layer if that is
        enough. () if there may be a choice, or the time was up."""
        if alone := next((t.layer for t in self._tables if t.excludes(options)), None):
            return (alone,)
        if not self._impossible(self._guards, options):
            return ()
        core = {guard.get_id() for guard in self._solver.unsat_core()}
        involved = [name for name, guard in self._guards.items() if guard.get_id() in core]
        return tuple(minimal(involved, lambda names: self._impossible(names, options)))

    def serving_all(self, option: Option) -> Combination:
        """A choice with an option that is known to leave every layer a mapping; () if none was found."""
        if self._solver.check(*self._guards.values(), self._known, self._literals[option]) != self._z3.sat:
            return ()
        model = self._solver.model()
        chosen = [self._named[x.name()] for x in model if x.name() in self._named and self._z3.is_true(model[x])]
        return tuple(sorted(chosen))

    def _impossible(self, layers: Iterable[str], options: Iterable[Option]) -> bool:
        assumed = [*(self._guards[n] for n in layers), *(self._literals[o] for o in options)]
        return bool(self._solver.check(*assumed) == self._z3.unsat)

    def _forbid(self, combination: Combination, *guards: z3.BoolRef) -> None:
        literals = [*guards, *(self._literals[o] for o in combination)]
        self._solver.add(self._z3.Or([self._z3.Not(x) for x in literals]))
