"""The explanation of a layer without mapping: which lines, which numbers, and changes that really help."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from qdsl.diagnostics import Diagnostic, render_text
from qdsl.mapspace import explain_infeasible, feasible
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.constraint import Keep
from qdsl.model.study import Study
from tests.mapspace.strategies import ConstrainedCase, constrained_cases

SPEC = """\
operator conv(stride = 1) {
  dims K, C, P, R
  weights W
  O[k, p] += I[c, stride*p + r] * W[k, c, r]
}
accelerator machine {
  word 16 bit
  memory dram { energy read 200 pJ, write 200 pJ; source "invented for tests" }
  memory glb { size 1024 word; keep I, O; may keep W; energy read 6 pJ, write 6 pJ; source "invented for tests" }
  array pe { x 14; y 3 }
  memory wspad { size 2 word; keep W; energy read 1 pJ, write 1 pJ; source "invented for tests" }
  compute mac { energy 1 pJ; source "invented for tests" }
}
network net { layer l = conv(K = 32, C = 8, P = 12, R = 3) }
study s {
  map net onto machine
  precision { weights in {4..16} per layer; activations in {4..16} per layer; output 16 bit }
  constrain {
    CONSTRAINTS
  }
  minimize energy
  search nsga2(population = 8, generations = 2)
  report markdown
}
"""
BITS = {"I": 16, "W": 16, "O": 16}
Explain = Callable[..., Diagnostic]


@pytest.fixture
def study_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Study]:
    monkeypatch.chdir(tmp_path)

    def study_of_(*constraints: str) -> Study:
        Path("net.qdsl").write_text(SPEC.replace("CONSTRAINTS", "\n    ".join(constraints)))
        return load("net.qdsl").studies[0]

    return study_of_


@pytest.fixture
def explain(study_of: Callable[..., Study]) -> Explain:
    def explain_(*constraints: str) -> Diagnostic:
        study = study_of(*constraints)
        return explain_infeasible(study.accelerator, study.network.layer("l").problem, "net.l", BITS, study.constraints)

    return explain_


def with_size(accelerator: Accelerator, name: str, words: int) -> Accelerator:
    parts = (
        replace(h, size_words=words) if isinstance(h, StorageLevel) and h.name == name else h
        for h in accelerator.hierarchy
    )
    return replace(accelerator, hierarchy=tuple(parts))


def test_a_tile_larger_than_its_memory(explain: Explain, golden: Callable[[str, str], None]) -> None:
    found = explain("temporal glb only K, P", "tile(wspad, R) == R")
    golden("tile_larger_than_memory.txt", render_text([found]))


def test_conditional_spatial_factor_beyond_the_mesh(explain: Explain, golden: Callable[[str, str], None]) -> None:
    found = explain("if bits(W) > 8 then spatial(pe.x, K) >= 16", "spatial pe.y only R")
    golden("factor_beyond_mesh.txt", render_text([found]))


def test_orders_that_contradict_each_other_for_loops_that_must_exist(
    explain: Explain, golden: Callable[[str, str], None]
) -> None:
    found = explain("order glb: K, P", "order glb: K innermost", "temporal(glb, K) >= 2", "temporal(glb, P) >= 3")
    golden("orders.txt", render_text([found]))


def test_orders_that_contradict_each_other_are_fine_while_one_loop_can_stay_away(
    study_of: Callable[..., Study],
) -> None:
    study = study_of("order glb: K, P", "order glb: P, K", "temporal(glb, K) >= 2")
    found = feasible(study.accelerator, study.network.layer("l").problem, BITS, study.constraints)
    assert found.status == "feasible"
    assert found.mapping is not None
    assert [x.dim for x in found.mapping.loops("glb")].count("P") == 0


def test_the_size_and_width_offered_are_the_smallest_and_largest_that_do(study_of: Callable[..., Study]) -> None:
    study = study_of("tile(wspad, R) == R", "tile(wspad, C) >= 2")
    problem = study.network.layer("l").problem
    found = explain_infeasible(study.accelerator, problem, "net.l", BITS, study.constraints)
    helps = "\n".join(found.helps)
    (size,) = map(int, re.findall(r"`size (\d+) word` for `wspad`", helps))
    (width,) = map(int, re.findall(r"W at (\d+) bits or fewer", helps))
    assert (size, width) == (6, 5)  # 2 x 3 values of W: 6 words of one, or 2 words of 16 // 5 = 3

    def status(words: int, w_bits: int) -> str:
        accelerator = with_size(study.accelerator, "wspad", words)
        return feasible(accelerator, problem, {**BITS, "W": w_bits}, study.constraints).status

    assert [status(5, 16), status(6, 16), status(2, 6), status(2, 5)] == ["infeasible", "feasible"] * 2


def test_words_that_a_tile_may_not_take(explain: Explain, golden: Callable[[str, str], None]) -> None:
    found = explain("occupancy(glb, I) <= 10 %", "for d in C, P, R { tile(glb, d) == d }")
    golden("words_taken.txt", render_text([found]))


def test_a_run_that_cannot_be_so_short(explain: Explain, golden: Callable[[str, str], None]) -> None:
    found = explain("latency <= 300 cycle", "spatial pe.y none")
    golden("latency.txt", render_text([found]))


def test_a_tensor_that_must_be_kept_where_there_is_no_room(
    study_of: Callable[..., Study], golden: Callable[[str, str], None]
) -> None:
    study = study_of("keep glb: W", "tile(glb, K) == K", "tile(glb, C) == C", "tile(glb, R) == R")
    small = with_size(study.accelerator, "glb", 512)
    problem = study.network.layer("l").problem
    found = explain_infeasible(small, problem, "net.l", BITS, study.constraints)
    golden("kept_without_room.txt", render_text([found]))
    dropped = [c for c in study.constraints if not isinstance(c, Keep)]
    assert feasible(small, problem, BITS, dropped).status == "feasible"


RULE = "bits(weights) + bits(I) + log2(reduction)"


@pytest.mark.parametrize(
    ("name", "old", "new", "constraint", "most"),
    [
        ("wide_by_rule", "keep I, O;", f"keep I, O; bits O = {RULE};", "", 3),
        (
            "large_by_rule",
            "size 1024 word; keep I, O;",
            f"size 32 word; keep I, O; packing dense; bits O = {RULE};",
            "tile(glb, K) == K",
            2,
        ),
    ],
)
def test_a_width_by_rule_is_shown_and_the_widths_it_reads_are_tried(
    study_of: Callable[..., Study],
    golden: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    old: str,
    new: str,
    constraint: str,
    most: int,
) -> None:
    monkeypatch.setitem(globals(), "SPEC", SPEC.replace(old, new))
    study = study_of(constraint)
    problem = study.network.layer("l").problem
    bits = {"I": 8, "W": 8, "O": 16}
    found = explain_infeasible(study.accelerator, problem, "net.l", bits, study.constraints)
    golden(f"{name}.txt", render_text([found]))
    assert f"a mapping exists with W at {most} bits" in found.helps
    for width, status in ((most, "feasible"), (most + 1, "infeasible")):
        assert feasible(study.accelerator, problem, {**bits, "W": width}, study.constraints).status == status


def test_partial_sums_point_at_the_study(study_of: Callable[..., Study], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SPEC", SPEC.replace("output 16 bit", f"output 16 bit; partial sums = {RULE}"))
    study = study_of()
    problem = study.network.layer("l").problem
    found = explain_infeasible(study.accelerator, problem, "net.l", {**BITS, "I": 8, "W": 8}, study.constraints)
    (label,) = found.labels
    assert label.text == "makes `O` 21 bits"
    line = Path("net.qdsl").read_text().splitlines()[label.span.line - 1]
    assert "partial sums" in line


def test_widths_at_which_a_rule_gives_none_are_not_offered(
    study_of: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only widths at which O would fit are those that divide by zero."""
    rule = "bits O = if bits(W) >= 4 then 17 else 8 / (bits(W) - bits(W));"
    monkeypatch.setitem(globals(), "SPEC", SPEC.replace("keep I, O;", f"keep I, O; {rule}"))
    study = study_of()
    problem = study.network.layer("l").problem
    found = explain_infeasible(study.accelerator, problem, "net.l", BITS, study.constraints)
    assert found.helps == () and found.labels[0].text == "makes `O` 17 bits"


def test_when_one_change_is_not_enough_no_help_is_offered(explain: Explain) -> None:
    found = explain("tile(wspad, R) == R", "temporal(glb, K) == 5")
    assert found.helps == ()
    assert found.notes[-1].startswith("no single change")


def test_a_layer_that_has_a_mapping_is_no_conflict(explain: Explain) -> None:
    with pytest.raises(ValueError, match="has a legal mapping"):
        explain("temporal glb only K, P")


def test_without_time_the_answer_is_that_there_is_none(study_of: Callable[..., Study]) -> None:
    study = study_of("tile(wspad, R) == R")
    problem = study.network.layer("l").problem
    found = explain_infeasible(study.accelerator, problem, "net.l", BITS, study.constraints, timeout_s=0.0)
    assert found.code == "Q0708"


@given(constrained_cases())
@settings(max_examples=20, deadline=None)
def test_every_conflict_is_explained_by_its_rules(case: ConstrainedCase) -> None:
    found = feasible(case.accelerator, case.problem, case.bits, case.constraints)
    assume(found.status == "infeasible")
    told = explain_infeasible(case.accelerator, case.problem, "layer", case.bits, case.constraints)
    assert told.code == "Q0701"
    text = "\n".join(told.notes)  # rules of a model that was not read from text stand in the notes
    for constraint in case.constraints:
        assert (f"`{constraint.text}`:" in text) == any(rule is constraint for rule in found.core)
