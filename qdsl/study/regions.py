"""Sets of combinations of options in few words: as products of ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product

# Per axis the first and the last index of a range.
Region = tuple[tuple[int, int], ...]

_MOST = 6


def regions(points: Collection[tuple[int, ...]], counts: Sequence[int]) -> Iterator[Region]:
    """Products of ranges that together cover just the points; they may overlap. counts: of the options of each axis.

    Each grows around the first point not covered yet, along one axis after the other.
    """
    wanted = set(points)
    left = sorted(wanted)
    while left:
        region = [(i, i) for i in left[0]]
        for axis, count in enumerate(counts):
            low, high = region[axis]
            while low > 0 and wanted.issuperset(_inside([*region[:axis], (low - 1, low - 1), *region[axis + 1 :]])):
                low -= 1
            while high + 1 < count and wanted.issuperset(
                _inside([*region[:axis], (high + 1, high + 1), *region[axis + 1 :]])
            ):
                high += 1
            region[axis] = low, high
        yield tuple(region)
        left = [p for p in left if not all(a <= i <= b for i, (a, b) in zip(p, region, strict=True))]


def regions_text(points: Collection[tuple[int, ...]], axes: Sequence[tuple[str, Sequence[int]]]) -> str:
    """`W 7..8; W 6, I 2..3`, the first few. axes: name and widths; those that may have any width are left out."""
    every = list(regions(points, [len(widths) for _, widths in axes]))
    found = []
    for region in every[:_MOST]:
        parts = [
            f"{name} {widths_text(widths[low : high + 1])}"
            for (name, widths), (low, high) in zip(axes, region, strict=True)
            if (low, high) != (0, len(widths) - 1)
        ]
        found.append(", ".join(parts) or "all widths")
    return "; ".join(found) + (f"; and {len(every) - _MOST} more" if len(every) > _MOST else "")


def _inside(region: Sequence[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    return product(*(range(low, high + 1) for low, high in region))


def widths_text(widths: Sequence[int]) -> str:
    """`2..8`, or `{2, 4..6, 8}` with gaps. widths: ascending."""
    found = runs(widths)
    return found[0] if len(found) == 1 else f"{{{', '.join(found)}}}"


def runs(numbers: Iterable[int]) -> list[str]:
    """Ascending numbers as `2..4` where they follow each other."""
    ends: list[tuple[int, int]] = []
    for n in numbers:
        if ends and n == ends[-1][1] + 1:
            ends[-1] = ends[-1][0], n
        else:
            ends.append((n, n))
    return [str(low) if low == high else f"{low}..{high}" for low, high in ends]
