"""How full memories and arrays are: of the best mappings of the chosen design."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping
from qdsl.report.figures import Axis, Figure, mesh
from qdsl.report.quantities import grouped
from qdsl.study.result import StudyRun
from qdsl.symbolic.result import Evaluation


@dataclass(frozen=True, slots=True)
class Filled:
    """A memory, or a part of one for some tensors. used, size: in words of one instance, tiles that are double-buffered
    twice; tensors: (name, words)."""

    used: int
    size: int
    tensors: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float:
        return self.used / self.size

    @property
    def text(self) -> str:
        parts = ", ".join(f"{name} {grouped(words)}" for name, words in self.tensors)
        return f"{grouped(self.used)} of {grouped(self.size)} words: {parts or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """memories: names of the columns; rows: (layer, what it fills of each)."""

    memories: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Filled, ...]], ...]


def occupancy(run: StudyRun) -> Occupancy | None:
    """None if no memory has a size, or the mappings were not recovered."""
    chosen = run.detail("chosen")
    found = [(x.name, _filled(run.study.accelerator, x.evaluation)) for x in chosen.layers] if chosen else []
    if not found or not found[0][1]:
        return None
    names = tuple(name for name, _ in found[0][1])
    return Occupancy(names, tuple((layer, tuple(f for _, f in filled)) for layer, filled in found))


def _filled(accelerator: Accelerator, evaluation: Evaluation) -> list[tuple[str, Filled]]:
    found = []
    for level in accelerator.levels:
        words = {name: level.copies(name) * counts.words for name, counts in evaluation.level(level.name).tensors}
        kept = level.resolved(level.optional - words.keys())
        for part in level.all_partitions:
            mine = tuple((name, n) for name, n in words.items() if kept.serves(part, name))
            title = f"{level.name}, {', '.join(sorted(part.tensors))}" if part.tensors else level.name
            found.append((title, Filled(sum(n for _, n in mine), part.size_words, mine)))
    return found


def meshes(accelerator: Accelerator, mapping: Mapping) -> tuple[Figure, ...]:
    """A picture of every array, outermost first."""
    return tuple(
        mesh(f.name, *(_axis(mapping, f.places[i], f.mesh("xy"[i])) for i in (0, 1))) for f in accelerator.fanouts
    )


def _axis(mapping: Mapping, place: str, size: int) -> Axis:
    """A pooled array may use what the arrays outside it leave idle: more than its own mesh."""
    loops = mapping.loops(place)
    used = prod(loop.factor for loop in loops)
    return Axis(max(size, used), used, ", ".join(f"{x.dim} {x.factor}" for x in loops))
