"""`qdsl map --mapper` and what `qdsl verify` says of its answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qdsl.cli import main
from tests.support.small_study import MAPPING, study_text, write_spec

SPEC, RESULT = "small.qdsl", "result.json"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QDSL_DEBUG", "1")
    write_spec(Path(), MAPPING, study_text(constrain="spatial pe.x only N, K", mapper="random(victory = 30, seed = 4)"))


def text(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main([*arguments]) == code
    shown = capsys.readouterr()
    return shown.err if code else shown.out


def test_the_mapper_is_the_study_s_unless_another_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def mapper(*arguments: str) -> str:
        data = json.loads(text(capsys, "map", SPEC, "--layer", "a", "--format", "json", *arguments))
        assert data["status"] == ("optimal" if data["mapper"] == "exact" else "feasible")
        assert (data["lower_bound"] is None) == (data["mapper"] != "exact")
        return str(data["mapper"])

    assert mapper() == "random(victory = 30, seed = 4)"
    assert mapper("--seed", "5", "--samples", "50") == "random(victory = 30, samples = 50, seed = 5)"
    assert mapper("--time-limit", "2") == "random(victory = 30, seed = 4, time_limit = 2 s)"
    assert mapper("--mapper", "exact") == "exact"
    assert mapper("--mapper", "genetic", "--population", "6", "--generations", "2") == (
        "genetic(population = 6, generations = 2, seed = 1)"
    )
    assert mapper("--mapping", "written") == "exact"


def test_an_answer_without_a_proof_says_who_found_it(capsys: pytest.CaptureFixture[str]) -> None:
    first = text(capsys, "map", SPEC, "--layer", "a").splitlines()[0]
    assert ", feasible (" in first
    assert first.endswith("by random(victory = 30, seed = 4)")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--victory", "3", "--mapper", "genetic"], "`--victory` is no setting of the genetic mapper"),
        (["--seed", "3", "--mapper", "exact"], "`--seed` is no setting of the exact mapper"),
        (["--victory", "0"], "`--victory 0` has no end"),
        (["--front"], "`--front` is for the exact mapper"),
        (["--imperfect", "padded"], "`--imperfect` is for the exact mapper"),
    ],
)
def test_what_a_mapper_does_not_do_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert f"error[Q0204]: {says}" in text(capsys, "map", SPEC, *arguments, code=1)


def test_layers_tied_together_are_mapped_by_the_exact_mapper(capsys: pytest.CaptureFixture[str]) -> None:
    write_spec(Path(), study_text(constrain="same spatial for linear", mapper="genetic"))
    shown = text(capsys, "map", SPEC, "--layer", "a", code=1)
    assert "error[Q0710]: layers with the same spatial factors can only be mapped by the exact mapper" in shown
    assert "optimal" in text(capsys, "map", SPEC, "--layer", "a", "--mapper", "exact")


def test_a_saved_answer_is_checked_and_its_distance_told(capsys: pytest.CaptureFixture[str]) -> None:
    text(capsys, "map", SPEC, "--layer", "a", "--samples", "1", "--out", RESULT)
    shown = text(capsys, "verify", RESULT)
    assert "random(victory = 30, samples = 1, seed = 4) claims no optimum; `--prove` tells how far it is" in shown
    shown = text(capsys, "verify", RESULT, "--prove")
    assert "claims no optimum: the least is" in shown
    text(capsys, "map", SPEC, "--layer", "a", "--victory", "0", "--samples", "3000", "--out", RESULT)
    assert "claims no optimum, but this is one, proved in" in text(capsys, "verify", RESULT, "--prove")


def test_a_claim_that_the_mapper_cannot_make_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    text(capsys, "map", SPEC, "--layer", "a", "--out", RESULT)
    data = json.loads(Path(RESULT).read_text())
    for field, value, says in (
        ("status", "optimal", "is more than random(victory = 30, seed = 4) can prove"),
        ("lower_bound", data["answers"][0]["value"], "is more than random(victory = 30, seed = 4) can prove"),
        ("mapper", {"is": "ExactMapper"}, "its SHA-256 is not that of the question"),
    ):
        changed = json.loads(json.dumps(data))
        changed["answers"][0][field] = value
        Path(RESULT).write_text(json.dumps(changed))
        shown = text(capsys, "verify", RESULT, code=1)
        assert "error[Q0910]" in shown
        assert says in shown
