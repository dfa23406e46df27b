"""Figures on their own: what is drawn and where."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from qdsl.report.figures import FrontMark, convergence, front
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
