"""What the compute unit reports of the chosen design's layers beside their cost."""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.study.result import StudyRun


@dataclass(frozen=True, slots=True)
class StatedFigures:
    """rows: (layer, a number per name, None where its operator has none); sums: of the columns that count something, None for
    the others."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    sums: tuple[float | None, ...]


def stated_figures(run: StudyRun) -> StatedFigures | None:
    """None without any, or without the chosen design's details."""
    chosen = run.detail("chosen")
    found = {layer.name: dict(layer.figures) for layer in chosen.layers if layer.figures} if chosen else {}
    names = tuple(dict.fromkeys(name for figures in found.values() for name in figures))
    if not names:
        return None
    rows = tuple((layer, tuple(figures.get(name) for name in names)) for layer, figures in found.items())
    columns = [[figures[name] for figures in found.values() if name in figures] for name in names]
    sums = tuple(sum(column) if all(x.is_integer() for x in column) else None for column in columns)
    return StatedFigures(names, rows, sums)
