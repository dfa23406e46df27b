"""Content addresses: what changes a key and what does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.model import load
from qdsl.model.study import Study
from qdsl.study.keys import KeyMaker, cost_class
from tests.support.small_study import HARDWARE, NETWORK, study_text

BITS = {"I": 4, "W": 4, "O": 4}
BASE = HARDWARE + NETWORK + study_text(constrain="spatial pe.x only N, K")


def _study(directory: Path, text: str) -> Study:
    path = directory / "spec.qdsl"
    path.write_text(text, encoding="utf-8")
    return load(path).studies[0]


def _key(study: Study, bits: dict[str, int] = BITS) -> str:
    problem = study.network.layer("a").problem
    maker = KeyMaker(study.accelerator, problem, study.constraints)
    return maker.key(cost_class(study.accelerator, problem, bits, study.constraints))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\n\n// a comment\n"),
        lambda text: text.replace("tiny", "huge"),
        lambda text: text.replace("linear", "dense"),
        lambda text: text.replace("invented for tests", "measured"),
        lambda text: text.replace("word 16 bit", "word 16 bit\n  clock 200 MHz"),
        lambda text: text.replace("only N, K", "only K, N"),
        lambda text: text.replace("spatial pe.x only N, K", "every linear { spatial pe.x only N, K }"),
        lambda text: text.replace("energy, noise", "energy, weight_memory"),
    ],
)
def test_names_layout_and_provenance_do_not_change_a_key(tmp_path: Path, change: Callable[[str], str]) -> None:
    assert change(BASE) != BASE
    assert _key(_study(tmp_path, change(BASE))) == _key(_study(tmp_path, BASE))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("write 6 pJ", "write 7 pJ"),
        lambda text: text.replace("size 64 word", "size 65 word"),
        lambda text: text.replace("x 4", "x 5"),
        lambda text: text.replace("input x: 12", "input x: 16"),
        lambda text: text.replace("only N, K", "only N"),
        lambda text: text.replace("spatial pe.x only N, K", ""),
        lambda text: text.replace("keep I, O", "keep O"),
        lambda text: text.replace("energy 2 pJ", "energy 3 pJ"),
    ],
)
def test_whatever_changes_costs_or_legality_changes_the_key(tmp_path: Path, change: Callable[[str], str]) -> None:
    text = change(BASE).replace("constrain {  }", "")
    assert _key(_study(tmp_path, text)) != _key(_study(tmp_path, BASE))


def test_widths_that_fill_words_alike_share_a_key(tmp_path: Path) -> None:
    study = _study(tmp_path, BASE)
    six, seven, eight = (_key(study, {**BITS, "W": w}) for w in (6, 7, 8))
    assert six == seven == eight != _key(study, {**BITS, "W": 5})


def test_a_constraint_that_reads_a_width_separates_what_it_reads(tmp_path: Path) -> None:
    text = BASE.replace("spatial pe.x only N, K", "if bits(W) <= 6 then spatial(pe.x, K) == 4")
    study = _study(tmp_path, text)
    assert _key(study, {**BITS, "W": 6}) != _key(study, {**BITS, "W": 7})
    assert _key(study, {**BITS, "I": 6}) == _key(study, {**BITS, "I": 7})


@pytest.mark.parametrize("constraint", ["latency <= 500 cycle", "energy <= 1 uJ", "occupancy(regs) <= 90 %"])
def test_a_limit_and_its_number_are_part_of_a_key(tmp_path: Path, constraint: str) -> None:
    base, limited = (BASE.replace("spatial pe.x only N, K", c) for c in ("spatial pe.x only N, K", constraint))
    other = limited.replace("<= ", "<= 0.5 * ")
    assert len({_key(_study(tmp_path, text)) for text in (base, limited, other)}) == 3


def test_a_constraint_on_other_layers_does_not_count(tmp_path: Path) -> None:
    plain = "spatial pe.x only N, K"
    here, everywhere, elsewhere = (
        _key(_study(tmp_path, BASE.replace(plain, f"every layer {names} {{ {plain} }}")))
        for names in ("a", "*", "b, c")
    )
    assert here == everywhere == _key(_study(tmp_path, BASE))
    assert elsewhere == _key(_study(tmp_path, BASE.replace(f"constrain {{ {plain} }}", "")))


def test_a_constraint_on_other_operators_does_not_count(tmp_path: Path) -> None:
    other = "operator other() {\n  dims M, N, K\n  O[m, n] += A[m, k] * B[k, n]\n}\n"
    base = BASE.replace("spatial pe.x only N, K", "")
    scoped = BASE.replace("spatial pe.x only N, K", "every other { spatial pe.x only N }")
    assert _key(_study(tmp_path, other + scoped)) == _key(_study(tmp_path, base.replace("constrain {  }", "")))
