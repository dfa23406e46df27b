"""The files of a report: what they say, that they are safe and self-contained, and what happens when they cannot be made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qdsl.diagnostics import SpecError
from qdsl.report import write_report
from qdsl.report.layers import energy_by_level
from qdsl.study.result import StudyRun

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&`|*_"


def page(run: StudyRun, out_dir: Path) -> str:
    write_report(run, out_dir, ("html",))
    return (out_dir / "report.html").read_text(encoding="utf-8")


def test_markdown_and_its_pictures_are_as_before(
    run: StudyRun, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    (path,) = write_report(run, tmp_path, ("markdown",))
    assert path == tmp_path / "report.md"
    for file in sorted(tmp_path.iterdir()):
        golden(file.name, file.read_text(encoding="utf-8"))
    assert {f.name for f in tmp_path.iterdir()} >= {"report.md", "front.svg", "layers.svg", "convergence.svg"}


def test_the_page_is_as_before(run: StudyRun, tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    golden("report.html", page(run, tmp_path))


def test_a_third_objective_is_a_column_a_fact_and_a_shade(noisy_run: StudyRun, tmp_path: Path) -> None:
    html = page(noisy_run, tmp_path)
    assert "noise, dB" in html
    assert "<dt>quantisation noise</dt>" in html
    assert "darker: less noise" in html
    write_report(noisy_run, tmp_path, ("markdown",))
    assert "| noise, dB |" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_equal_runs_give_equal_files(run: StudyRun, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_report(run, tmp_path / name)
    files = sorted(f.name for f in (tmp_path / "a").iterdir())
    assert files == sorted(f.name for f in (tmp_path / "b").iterdir())
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_the_page_needs_no_network_and_stays_small(large_run: StudyRun, tmp_path: Path) -> None:
    html = page(large_run, tmp_path)
    assert len(html.encode()) < 3_000_000
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'<]*", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:iframe|object|embed)\b|@import|url\(", html)
    assert set(re.findall(r"<link\b[^>]*href=\"([^\"]*)", html)) <= {"data:,"}


def test_a_hostile_name_stays_text(renamed: Callable[[str], StudyRun], tmp_path: Path) -> None:
    html = page(renamed(HOSTILE), tmp_path)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)" in html
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, flags=re.DOTALL)
    assert data is not None
    json.loads(data[1])


def test_a_hostile_name_makes_no_markup_in_markdown(renamed: Callable[[str], StudyRun], tmp_path: Path) -> None:
    write_report(renamed("a|b\n# c <b>d</b>"), tmp_path, ("markdown",))
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    prose = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not [x for x in prose.splitlines() if x.startswith("# c")]
    outside_code = re.sub(r"`+[^`]*`+", "", prose)
    assert "<b>" not in outside_code
    for svg in tmp_path.glob("*.svg"):
        assert "<b>" not in svg.read_text(encoding="utf-8")


def test_a_template_of_the_user_replaces_ours(run: StudyRun, tmp_path: Path) -> None:
    mine = tmp_path / "templates"
    mine.mkdir()
    (mine / "report.md.j2").write_text("{{ answer }} (mine)")
    write_report(run, tmp_path / "out", ("markdown",), mine)
    assert (tmp_path / "out/report.md").read_text(encoding="utf-8").rstrip().endswith("(mine)")


@pytest.mark.parametrize("text", ["{% if %}", "line\n{{ answer.nothing.there }}", "{{ 1 / 0 }}", "{{ ''.__class__ }}"])
def test_a_broken_template_is_located_and_the_old_report_kept(run: StudyRun, tmp_path: Path, text: str) -> None:
    write_report(run, tmp_path / "out", ("markdown",))
    before = (tmp_path / "out/report.md").read_bytes()
    mine = tmp_path / "templates"
    mine.mkdir()
    (mine / "report.md.j2").write_text(text)
    with pytest.raises(SpecError) as caught:
        write_report(run, tmp_path / "out", ("markdown",), mine)
    (finding,) = caught.value.diagnostics
    assert finding.code == "Q0951"
    assert finding.span is not None and finding.span.line == text.count("\n") + 1
    assert (tmp_path / "out/report.md").read_bytes() == before


def test_a_directory_that_is_a_file_is_a_finding(run: StudyRun, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("here already")
    with pytest.raises(SpecError, match="Q0952"):
        write_report(run, tmp_path / "out")


def test_formulas_are_markup_on_the_page_and_latex_in_markdown(run: StudyRun, tmp_path: Path) -> None:
    html = page(run, tmp_path)
    assert "⌈C<sub>pe.y</sub>" in html and r"\lceil" not in html
    write_report(run, tmp_path, ("markdown",))
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert r"$\lceil C_{\text{pe.y}}" in text and "<sub>" not in text


def test_every_layer_says_what_limits_it(run: StudyRun, tmp_path: Path) -> None:
    write_report(run, tmp_path, ("markdown",))
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    table = text.split("## What limits the speed")[1].split("## ")[0]
    assert "Limited by compute: 2 layers, by array: 1, by glb writes: 1." in table
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", table, flags=re.MULTILINE)
    assert rows == [("stem", "array"), ("b1", "compute"), ("b2", "compute"), ("sum", "glb writes")]


def test_a_run_that_was_stopped_before_its_mappings_has_neither(run: StudyRun, tmp_path: Path) -> None:
    html = page(replace(run, details=(), complete=False), tmp_path)
    assert html.count("The mappings of the chosen point were not recovered") == 3
    assert "Where the energy comes from" not in html


def test_hops_and_leakage_are_part_of_the_energy(run: StudyRun, tmp_path: Path) -> None:
    chosen = run.detail("chosen")
    assert chosen is not None
    layers = tuple(
        replace(d, evaluation=replace(d.evaluation, networks=(("pe", (("O", 4e6),)),), leakage_pj=3e6))
        for d in chosen.layers
    )
    richer = replace(chosen, layers=layers)
    by_level = energy_by_level(run.study.network, richer)
    assert by_level["hops of pe"] == {"outputs": 16e6}
    assert by_level["leakage"] == {"leakage": 12e6}
    html = page(replace(run, details=(richer, *run.details[1:])), tmp_path)
    assert '<th scope="row">hops of pe</th>' in html and '<th scope="row">leakage</th>' in html
