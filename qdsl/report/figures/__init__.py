"""Pictures as SVG text: pure functions from a few numbers to a `Figure`. They import nothing else of qdsl."""

from qdsl.report.figures.columns import LayerColumn, layer_columns
from qdsl.report.figures.convergence import convergence
from qdsl.report.figures.curves import Curve, curves
from qdsl.report.figures.front import FrontMark, front
from qdsl.report.figures.fronts import Front, fronts
from qdsl.report.figures.heatmap import HeatCell, heatmap, shade_step
from qdsl.report.figures.log_lines import LogLine, Reference, log_lines
from qdsl.report.figures.mesh import Axis, mesh
from qdsl.report.figures.roofline import RoofMark, roofline_figure
from qdsl.report.figures.stacked import StackedRow, stacked
from qdsl.report.figures.svg import Figure

__all__ = [
    "Axis",
    "Curve",
    "Figure",
    "Front",
    "FrontMark",
    "HeatCell",
    "LayerColumn",
    "LogLine",
    "Reference",
    "RoofMark",
    "StackedRow",
    "convergence",
    "curves",
    "front",
    "fronts",
    "heatmap",
    "layer_columns",
    "log_lines",
    "mesh",
    "roofline_figure",
    "shade_step",
    "stacked",
]
