"""Figures on their own: what is drawn and where."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from qdsl.report.figures import (
    Curve,
    FrontMark,
    HeatCell,
    LogLine,
    Reference,
    RoofMark,
    convergence,
    curves,
    front,
    heatmap,
    log_lines,
    roofline_figure,
)
from qdsl.report.figures.axes import log_limits
from qdsl.report.figures.style import shade_class

POINTS = [FrontMark(1.0, 5.0, title="a"), FrontMark(2.0, 3.0, title="b"), FrontMark(4.0, 1.0, title="c")]


def test_a_figure_is_well_formed_and_has_one_mark_per_point() -> None:
    svg = front(POINTS, [FrontMark(3.0, 4.0, "8/8", "uniform")], 1, "memory", "energy").standalone()
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert re.findall(r'data-point="(\d)"', svg) == ["0", "2", "1"], "the chosen one is drawn last, on top"
    assert 'class="point chosen"' in svg


def test_more_memory_is_further_right_and_more_energy_further_up() -> None:
    svg = front(POINTS, [], None, "memory", "energy").standalone()
    centres = [(float(x), float(y)) for x, y in re.findall(r'class="dot" cx="([\d.]+)" cy="([\d.]+)"', svg)]
    assert [x for x, _ in centres] == sorted(x for x, _ in centres)
    assert [y for _, y in centres] == sorted(y for _, y in centres)


def test_a_line_bounds_the_front_of_two_objectives_but_not_a_projection_of_three() -> None:
    assert 'class="stair"' in front(POINTS, [], None, "memory", "energy").standalone()
    shaded = [FrontMark(1.0, 5.0, shade="q8"), FrontMark(2.0, 6.0, shade="q2")]
    svg = front(shaded, [], None, "memory", "energy", shade_title="darker: less noise").standalone()
    assert 'class="stair"' not in svg
    assert 'class="point q8"' in svg and 'class="point q2"' in svg


def test_the_least_value_is_the_darkest_and_none_is_as_light_as_the_ground() -> None:
    values = [-30.0, -20.0, -10.0, 0.0]
    classes = [int(shade_class(v, values)[1:]) for v in values]
    assert classes[0] == 8
    assert classes == sorted(classes, reverse=True)
    assert classes[-1] == 2
    assert shade_class(1.0, [1.0]) == "q8"


def test_a_curve_of_one_generation_is_drawn() -> None:
    assert ElementTree.fromstring(convergence([(1, 0.5)]).standalone()).tag.endswith("svg")


MARKS = [RoofMark(2.0, 20.0, "port", "a"), RoofMark(50.0, 100.0, "compute", "b"), RoofMark(80.0, 40.0, "array", "c")]


def points_of(svg: str) -> list[list[tuple[float, float]]]:
    """Every roof as its points."""
    paths = re.findall(r'<path d="([^"]*)" class="roof"', svg)
    return [[(float(x), float(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", d)] for d in paths]


def test_no_mark_lies_above_a_roof_that_it_is_under() -> None:
    """At 2 operations per word and 10 words per cycle the roof is at 20, where the first mark lies."""
    svg = roofline_figure(MARKS, [100.0], 10.0, "glb reads").standalone()
    ElementTree.fromstring(svg)
    ((left, ridge, right),) = points_of(svg)
    assert ridge[1] == right[1] < left[1], "up along the slope, then level"
    circles = re.findall(r'<g class="layer compute-bound">.*?cy="([\d.]+)"', svg, flags=re.DOTALL)
    assert float(circles[0]) == ridge[1], "all units computing is the level roof"
    x, y = (
        float(v) for v in re.findall(r'<g class="layer port-bound">.*?d="M([\d.]+),([\d.]+)', svg, flags=re.DOTALL)[0]
    )
    share = (x - left[0]) / (ridge[0] - left[0])
    assert y + 5.5 == pytest.approx(left[1] + share * (ridge[1] - left[1]), abs=0.1), "on the slope"


def test_without_bandwidth_there_is_no_slope_and_every_peak_is_a_roof() -> None:
    svg = roofline_figure(MARKS, [50.0, 100.0], None, "dram").standalone()
    assert [len(p) for p in points_of(svg)] == [2, 2]
    assert "words per cycle" not in svg
    assert "10 words per cycle" in roofline_figure(MARKS, [100.0], 10.0, "glb reads").standalone()


def test_the_key_names_only_what_occurs() -> None:
    svg = roofline_figure(MARKS[:1], [100.0], 10.0, "<glb>").standalone()
    assert ">a bandwidth<" in svg and ">compute<" not in svg and ">part of the array<" not in svg
    assert "<glb>" not in svg


@pytest.mark.parametrize("values", [[1.0], [0.0003, 70000.0], [999.0, 1000.0, 1001.0], []])
def test_logarithmic_limits_hold_the_values_with_air(values: list[float]) -> None:
    low, high = log_limits(values)
    assert low < high
    assert all(low < v < high for v in values)


def test_a_heat_map_has_a_cell_per_pair_the_darkest_for_the_most() -> None:
    rows = [(name, [HeatCell(shade, f"{shade}", f"{name}: {shade}") for shade in (0.0, 1.0)]) for name in "ab"]
    svg = heatmap(rows, ["2", "4"], "inputs", "weights", "numbers").standalone()
    root = ElementTree.fromstring(svg)
    cells = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class", "").startswith("cell")]
    assert [g.get("class") for g in cells] == ["cell q1", "cell q8"] * 2
    assert [g[0].text for g in cells] == ["a: 0.0", "a: 1.0", "b: 0.0", "b: 1.0"]


def test_names_of_curves_that_end_at_one_height_do_not_overlap() -> None:
    lines = [Curve(f"line {i}", ((2, 5.0 + i), (8, 1.0 + 0.001 * i))) for i in range(4)]
    svg = curves(lines, "bits", "number", "lines").standalone()
    ends = [float(y) for y, name in re.findall(r'y="([\d.]+)" class="start">(line \d)<', svg)]
    assert len(ends) == 4
    assert all(b - a >= 13 for a, b in pairwise(sorted(ends)))
    assert max(ends) < 270, "above the axis"


def test_lines_on_logarithmic_axes_step_and_end_where_they_should() -> None:
    lines = [
        LogLine("a", ((1.0, 100.0), (10.0, 1.0)), steps=True),
        LogLine("b", ((1.0, 10.0), (100.0, 10.0)), dots=True),
    ]
    svg = log_lines(lines, "seconds", "percent", "a picture", Reference("least", 5.0, 1.0)).standalone()
    ElementTree.fromstring(svg)
    stepped, straight = re.findall(r'd="M([^"]+)" style', svg)
    corners = [tuple(map(float, corner.split(","))) for corner in stepped.split("L")]
    assert len(corners) == 3
    assert corners[0][1] == corners[1][1] and corners[1][0] == corners[2][0]
    assert corners[2][1] > corners[0][1], "less is further down"
    assert straight.count("L") == 1
    assert svg.count('r="2.6"') == 2
    assert svg.count("reference-line") - svg.count(".reference-line") == 2
