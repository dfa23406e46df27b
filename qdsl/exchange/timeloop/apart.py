"""Arrays whose axes both have loops over one dimension, which Timeloop cannot say of one array: their columns and the rows
inside these become an array each, as its own Eyeriss has them. Whether that counts the same is seen when the files are read
again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.mapping import Mapping


def with_axes_apart(accelerator: Accelerator, mapping: Mapping) -> tuple[Accelerator, Mapping]:
    """The same nest on a machine on which no array has two loops over one dimension."""
    names = {f.name for f in accelerator.fanouts if _repeats(f, mapping)}
    if not names:
        return accelerator, mapping
    hierarchy = tuple(part for h in accelerator.hierarchy for part in _parts(h, names))
    old = {
        place: name
        for f in accelerator.fanouts
        if f.name in names
        for place, name in zip(f.places, _places(f), strict=True)
    }
    places = tuple((old.get(place, place), loops) for place, loops in mapping.places)
    return replace(accelerator, hierarchy=hierarchy), replace(mapping, places=places)


def _repeats(array: FanOut, mapping: Mapping) -> bool:
    x, y = ({loop.dim for loop in mapping.loops(place)} for place in array.places)
    return not x.isdisjoint(y)


def _parts(part: FanOut | StorageLevel, names: set[str]) -> Iterator[FanOut | StorageLevel]:
    if part.name in names and isinstance(part, FanOut):
        yield replace(part, name=f"{part.name}_columns", y=1)
        yield replace(part, name=f"{part.name}_rows", x=1)
    else:
        yield part


def _places(array: FanOut) -> tuple[str, str]:
    return f"{array.name}_columns.x", f"{array.name}_rows.y"
