"""Mappings in which every tensor has its own places: loops may stand between where a memory holds one tensor and where the
same memory holds another. ZigZag and AccelForge find such mappings. In qdsl each is a mapping onto a machine whose
memories are taken apart by tensor, so the same model counts them.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import Evaluation, evaluate


@dataclass(frozen=True)
class Stored:
    """From here inwards a memory holds a tensor's tile."""

    memory: str
    tensor: str


@dataclass(frozen=True)
class Turn:
    """A loop. axis: 'x' or 'y' for one over the instances of the array, '' for one in time."""

    dim: str
    factor: int
    axis: str = ""


# From the outermost to the innermost; it begins with the places of all tensors in the backing store.
Nest = Sequence[Stored | Turn]


def evaluate_nest(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], nest: Nest) -> Evaluation:
    """The model's counts of a nest for a machine with one array.

    Raises ValueError if the loops do not make the sizes, or what a memory holds does not fit.
    """
    machine, mapping = taken_apart(accelerator, nest)
    for dim in problem.operator.dims:
        if mapping.covered(dim) != problem.size(dim):
            raise ValueError(f"the factors of {dim} make {mapping.covered(dim)}, not {problem.size(dim)}")
    found = evaluate(machine, problem, bits, mapping)
    for level in accelerator.levels[1:]:
        names = [x.name for x in machine.levels if x.name.startswith(f"{level.name}_")]
        words = sum(counts.words for name in names for _, counts in found.level(name).tensors)
        if level.size_words is not None and words > level.size_words:
            raise ValueError(f"{words} words do not fit {level.name}")
    return found


def taken_apart(accelerator: Accelerator, nest: Nest) -> tuple[Accelerator, Mapping]:
    """The machine with a memory for every place of a tensor, in the order of the nest, and the nest as a mapping onto it."""
    (array,) = accelerator.fanouts
    first, *inner = accelerator.levels
    tensors = {x.tensor for x in nest if isinstance(x, Stored) and x.memory == first.name}
    hierarchy: list[StorageLevel | FanOut] = [first]
    loops: dict[str, list[Loop]] = {first.name: []}
    at = first.name
    for part in nest:
        if isinstance(part, Turn) and not part.axis:
            loops[at].append(Loop(part.dim, part.factor))
        elif isinstance(part, Turn):
            if not any(isinstance(h, FanOut) for h in hierarchy):
                hierarchy.append(array)
            loops.setdefault(f"{array.name}.{part.axis}", []).append(Loop(part.dim, part.factor))
        elif part.memory != first.name:
            level = next(x for x in inner if x.name == part.memory)
            at = f"{part.memory}_{part.tensor}"
            hierarchy.append(replace(level, name=at, keep=frozenset({part.tensor}), size_words=None))
            loops[at] = []
    assert all(any(isinstance(x, Stored) and x.tensor == t for x in nest) for t in tensors)
    machine = replace(accelerator, hierarchy=tuple(hierarchy))
    return machine, Mapping(tuple((place, _used(loops.get(place, []))) for place in machine.places))


def _used(loops: Sequence[Loop]) -> tuple[Loop, ...]:
    return tuple(x for x in loops if x.factor > 1)
