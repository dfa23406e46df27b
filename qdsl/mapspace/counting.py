"""How many legal mappings a layer has, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from math import inf

from qdsl.mapspace.batches import members_of_spaces
from qdsl.mapspace.narrowing import countable_spaces
from qdsl.mapspace.space import Space
from qdsl.mapspace.stages import Section, sections_of
from qdsl.mapspace.sweep import Sweep
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.operator import Problem


@dataclass(frozen=True, slots=True)
class Counts:
    """factor_placements: choices of factors for all places (X and Y are two), and of what levels keep that may keep it,
    that some legal loop order goes with.

    mappings: these times the legal orders of each level's loops of more than one iteration; the order of spatial loops has
    no meaning and is not counted.

    order_classes: mappings that differ in more than orders no count depends on. Two mappings are of one class if they have
    the same factors, if for every tile a level keeps the same loops stand between it and the innermost relevant loop
    outside it, and if the same loop, if any, slides its window.
    """

    factor_placements: int
    order_classes: int
    mappings: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.factor_placements + other.factor_placements,
            self.order_classes + other.order_classes,
            self.mappings + other.mappings,
        )


NONE = Counts(0, 0, 0)


def count_mappings(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint] = ()
) -> Counts:
    """The legal mappings in perfect factors at given widths.

    Raises SpecError (Q0710) for a constraint that takes too many cases.
    """
    return count_batch(accelerator, problem, [bits], constraints)[0]


def count_batch(
    accelerator: Accelerator,
    problem: Problem,
    bits_list: Sequence[MappingABC[str, int]],
    constraints: Iterable[Constraint] = (),
    deadline: float = inf,
) -> tuple[Counts, ...]:
    """The counts for every bit-width assignment. Assignments share the work as far inwards as their tiles need equally
    many words; those of equal packing share all of it.

    Raises as `count_mappings`, and TimeUp after the deadline, in seconds of `time.perf_counter`.
    """
    counts = [NONE] * len(bits_list)
    for group in _groups(accelerator, problem, bits_list, tuple(constraints)):
        for i, found in zip(group.members, group.counts(deadline), strict=True):
            counts[i] += found
    return tuple(counts)


def count_under(
    accelerator: Accelerator,
    problem: Problem,
    bits_list: Sequence[MappingABC[str, int]],
    constraint_sets: Iterable[Sequence[Constraint]],
    deadline: float = inf,
) -> list[tuple[int, ...]]:
    """Per set of constraints the number of mappings for every bit-width assignment; sets that leave the same choices are
    counted once. Raises as `count_batch`."""
    known: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    found = []
    for constraints in constraint_sets:
        totals = [0] * len(bits_list)
        for group in _groups(accelerator, problem, bits_list, tuple(constraints)):
            key = group.space.key, group.members
            if key not in known:
                known[key] = group.totals(sections_of(group.space, "mappings"), deadline)
            for i, n in zip(group.members, known[key], strict=True):
                totals[i] += n
        found.append(tuple(totals))
    return found


@dataclass(frozen=True)
class _Group:
    """Bit-width assignments of one space: members are their numbers."""

    space: Space
    members: tuple[int, ...]
    bits_list: tuple[MappingABC[str, int], ...]

    def counts(self, deadline: float) -> list[Counts]:
        sections = sections_of(self.space, "mappings")
        mappings = placements = classes = self.totals(sections, deadline)
        if any(stage.heaviest > 1 for section in sections or () for stage in section.stages):
            placements = self.totals(sections_of(self.space, "placements"), deadline)
            classes = self.totals(sections_of(self.space, "classes"), deadline)
        return [Counts(p, c, m) for p, c, m in zip(placements, classes, mappings, strict=True)]

    def totals(self, sections: Sequence[Section] | None, deadline: float) -> list[int]:
        if sections is None:
            return [0] * len(self.members)
        sweep = Sweep(self.space, sections, self.bits_list)
        *_, (_, last) = sweep.run(deadline)
        return sweep.totals(last)


def _groups(
    accelerator: Accelerator,
    problem: Problem,
    bits_list: Sequence[MappingABC[str, int]],
    constraints: tuple[Constraint, ...],
) -> Iterator[_Group]:
    """The assignments of every space that one of them leads to."""
    for space, members in members_of_spaces(countable_spaces, accelerator, problem, bits_list, constraints):
        yield _Group(space, members, tuple(bits_list[i] for i in members))
