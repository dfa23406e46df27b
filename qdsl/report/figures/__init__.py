"""Pictures as SVG text: pure functions from a few numbers to a `Figure`. They import nothing else of qdsl."""

from qdsl.report.figures.columns import LayerColumn, layer_columns
from qdsl.report.figures.convergence import convergence
from qdsl.report.figures.front import FrontMark, front
from qdsl.report.figures.stacked import StackedRow, stacked
from qdsl.report.figures.svg import Figure

__all__ = [
    "Figure",
    "FrontMark",
    "LayerColumn",
    "StackedRow",
    "convergence",
    "front",
    "layer_columns",
    "stacked",
]
