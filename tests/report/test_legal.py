"""The numbers of mappings in the report: every digit, honest sums, and what is missing."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

from qdsl.report import write_report
from qdsl.report.legal import Legal, exact, legal, times
from qdsl.report.quantities import THIN
from qdsl.study.result import LayerCounts, LegalCounts, StudyRun


def with_counts(run: StudyRun, counts: LegalCounts) -> StudyRun:
    return replace(run, legal=counts)


def test_every_digit_of_a_number_is_shown(run: StudyRun, tmp_path: Path) -> None:
    """`large` is no double, and its text must not have gone through one."""
    large = 2**70 + 1
    first, *others = run.legal.layers
    counts = replace(
        run.legal, layers=(replace(first, mappings=tuple(large + i for i in range(len(first.mappings)))), *others)
    )
    write_report(with_counts(run, counts), tmp_path)
    grouped = f"{large:,}".replace(",", THIN)
    for name in ("report.html", "report.md"):
        assert grouped in (tmp_path / name).read_text(encoding="utf-8")
    with (tmp_path / "mappings.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["layers", "operator", "bits", "mappings"]
    assert len(rows) == sum(len(x.mappings) for x in counts.layers)
    assert rows[0] == [first.layers[0], first.operator, "I 8, W 8, O 8", str(large)]


def test_the_sums_are_over_the_layers_with_the_commonest_options(large_run: StudyRun) -> None:
    alike = [x for x in large_run.legal.layers if (len(x.grid.rows), len(x.grid.columns)) == (7, 7)]
    assert 0 < len(alike) < len(large_run.legal.layers)
    found = legal(large_run)
    at_8, at_2 = (sum(x.mappings[i] for x in alike) for i in (-1, 0))
    assert f"the {len(alike)} of {len(large_run.legal.layers)} layers with weights" in found.summary
    assert f"together have {exact(at_8)} legal mappings" in found.summary
    assert f"{exact(at_2)}, {at_2 / at_8:.3g} times as many" in found.summary
    assert found.heat is not None and len(re.findall(r'class="cell ', found.heat.body)) == 49
    assert found.gain is not None and found.gain.body.count('class="curve"') == 7


def test_widths_with_equal_numbers_share_a_curve(large_run: StudyRun) -> None:
    def flat(x: LayerCounts) -> LayerCounts:
        return replace(x, mappings=tuple(10 if dict(bits)["I"] < 5 else 4 for bits in x.grid.bits))

    layers = tuple(flat(x) if x.operator == "conv2d" else x for x in large_run.legal.layers)
    figure = legal(with_counts(large_run, replace(large_run.legal, layers=layers))).gain
    assert figure is not None
    assert figure.body.count('class="curve"') == 2
    assert ">inputs 2, 3, 4</text>" in figure.body and ">inputs 5, 6, 7, 8</text>" in figure.body


def test_what_a_constraint_takes_away_stands_beside_it(run: StudyRun, tmp_path: Path) -> None:
    """Without it 36 in place of 24 at the widest, as many at the narrowest."""
    (row,) = legal(run).constraints
    assert (row.text, row.scope, row.without) == (
        "temporal wspad only C, R",
        "conv2d",
        (("36", "×1.5"), ("40", "as many")),
    )
    write_report(run, tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    cells = re.findall(r'<td class="num">(\d+) <span class="aside">([^<]*)</span>', html)
    assert cells == [("36", "×1.5"), ("40", "as many")]
    assert f"they leave 24 of {exact(10**18 + 1)} mappings" in html


def test_a_difference_is_never_rounded_away() -> None:
    assert times(1003, 1000) == "×1.003"
    assert times(10**30 + 1, 10**30) == "×1"  # beyond what a ratio can show; the numbers themselves are beside it
    assert times(5, 5) == "as many"
    assert times(3 * 10**40, 10**36) == f"×30{THIN}000"
    assert times(5, 0) == "—"


def test_layers_that_were_not_counted_are_named(run: StudyRun, tmp_path: Path) -> None:
    first, *others = run.legal.layers
    counts = replace(run.legal, layers=tuple(others), uncounted=((first.layers[0], "no <time>"),))
    write_report(with_counts(run, counts), tmp_path)
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        why = "no &lt;time&gt;" if name == "report.html" else "no \\<time\\>"
        assert f"Not counted, and in no sum: {first.layers[0]} ({why})." in text
        assert "mappings of all counted layers" in text


def nothing_counted(run: StudyRun) -> Legal:
    names = tuple((name, "late") for x in run.legal.layers for name in x.layers)
    return legal(with_counts(run, replace(run.legal, layers=(), uncounted=names)))


def test_a_run_without_any_count_has_no_sums_and_no_pictures(run: StudyRun) -> None:
    found = nothing_counted(run)
    assert (found.summary, found.heat, found.gain, found.layers) == ("", None, None, ())
    assert found.uncounted == (("late", tuple(x.name for x in run.study.network.layers)),)


def test_a_network_without_a_choice_of_widths_has_a_number_and_no_pictures(run: StudyRun) -> None:
    only = next(x for x in run.legal.layers if len(x.mappings) == 1)
    found = legal(with_counts(run, replace(run.legal, layers=(only,))))
    assert found.heat is None
    assert (
        found.summary == f"With 8-bit weights and 8-bit inputs the layer has {exact(only.mappings[0])} legal mappings."
    )
