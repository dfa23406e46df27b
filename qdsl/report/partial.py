"""`partial.md`: the layers solved so far, of a run that was interrupted before it could look at designs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qdsl.report.quantities import energy_unit
from qdsl.report.templating import render
from qdsl.report.write import write_file
from qdsl.study.partial import SolvedLayer

PARTIAL_FILE = "partial.md"


def write_partial(study: str, layers: Sequence[SolvedLayer], out_dir: Path) -> Path:
    """Writes the file. Raises SpecError for a directory that cannot be written."""
    most = max((layer.most[1] for layer in layers if layer.most), default=1.0)
    contents = {
        "study": study,
        "layers": layers,
        "energy": energy_unit(most),
        "solved": sum(layer.solved for layer in layers),
        "candidates": sum(layer.candidates for layer in layers),
        "whole": sum(layer.solved == layer.candidates for layer in layers),
    }
    path = out_dir / PARTIAL_FILE
    write_file(path, render(PARTIAL_FILE + ".j2", contents))
    return path
