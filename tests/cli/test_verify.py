"""`qdsl map --out` and `qdsl verify`: what holds, what changed, what was tampered with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qdsl.cli import main
from qdsl.study.differences import differences
from tests.support.small_study import MAPPING, study_text, write_spec

SPEC, RESULT = Path("small.qdsl"), Path("result.json")
Verify = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run in a directory with a spec; an exception is a failure of the test, not a message."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("QDSL_DEBUG", "1")
    write_spec(Path(), MAPPING, study_text(constrain="spatial pe.x only N, K"))


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    """Exit code, stdout and stderr of `verify`."""

    def run(*arguments: str, file: Path = RESULT) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["verify", str(file), *arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def mapped(*arguments: str) -> None:
    assert main(["map", str(SPEC), *(arguments or ("--layer", "a")), "--out", str(RESULT)]) == 0


def saved() -> dict[str, Any]:
    data = json.loads(RESULT.read_text())
    assert isinstance(data, dict)
    return data


def save(data: Any) -> None:
    RESULT.write_text(json.dumps(data))


def edit(old: str, new: str) -> None:
    text = SPEC.read_text()
    assert old in text
    SPEC.write_text(text.replace(old, new))


# --- what holds ---------------------------------------------------------------------------------


def test_a_saved_answer_holds(verify: Verify, golden: Callable[[str, str], None]) -> None:
    mapped()
    code, out, err = verify("--prove")
    assert (code, err) == (0, "")
    golden("verify.txt", re.sub(r"\d+\.\d+ s\b", "0.00 s", out))


def test_all_layers_of_a_study_in_one_file(verify: Verify) -> None:
    mapped("--bits", "W=2")
    code, out, _ = verify("--format", "json")
    data = json.loads(out)
    assert code == 0 and data["holds"] is True
    assert [x["layer"] for x in data["answers"]] == ["a", "b", "c"]
    assert all(x["bits"]["W"] == 2 for x in data["answers"])
    for answer in data["answers"]:
        about = ["spec", "number", "mapping", "Z3", "counts", "execution", "optimum"]
        assert [s["about"] for s in answer["statements"]] == about
        assert all(s["holds"] for s in answer["statements"])


@pytest.mark.parametrize("objective", ["energy", "latency", "edp"])
def test_a_few_mappings_are_all_evaluated(verify: Verify, objective: str) -> None:
    write_spec(Path(), study_text(constrain="temporal regs none; temporal buffer only M, N"))
    mapped("--layer", "a", "--objective", objective)
    code, out, err = verify("--prove")
    assert (code, err) == (0, "")
    count = saved()["answers"][0]["legal_mappings"]
    assert "proved again" in out and f"all {count} legal mappings evaluated one by one" in out


def test_the_answer_to_a_mapping_block_holds(verify: Verify) -> None:
    mapped("--mapping", "written")
    (answer,) = saved()["answers"]
    assert answer["origin"] == {"study": "", "mapping": "written", "network": "mlp", "layer": "a"}
    assert answer["constraints"] == []
    code, out, _ = verify("--prove")
    assert code == 0 and "mlp.a onto tiny, bits I 8, W 8, O 8" in out


def test_what_has_no_mapping_is_decided_again(verify: Verify) -> None:
    write_spec(Path(), study_text(constrain="tile(regs, K) == K; tile(regs, N) == N"))
    assert main(["map", str(SPEC), "--layer", "a", "--out", str(RESULT)]) == 1
    (answer,) = saved()["answers"]
    assert (answer["status"], answer["mapping"], answer["legal_mappings"]) == ("infeasible", None, 0)
    code, out, _ = verify()
    assert code == 0 and "no mapping exists: 3 rules conflict" in out


def test_limits_of_cost_rest_on_the_search(verify: Verify) -> None:
    """Z3 knows factors and orders, not what they cost; and mappings within a limit of energy are not counted."""
    write_spec(Path(), study_text(constrain="energy <= 11 nJ"))
    mapped()
    assert saved()["answers"][0]["legal_mappings"] is None
    code, out, _ = verify("--prove")
    assert code == 0 and "the constraint holds" in out and "proved again" in out
    write_spec(Path(), study_text(constrain="energy <= 10 nJ"))
    assert main(["map", str(SPEC), "--layer", "a", "--out", str(RESULT)]) == 1
    code, out, _ = verify()
    assert code == 0 and "no mapping exists, not proved again (`--prove` does): Z3 decided nothing" in out
    code, out, _ = verify("--prove")
    assert code == 0 and "no mapping exists: proved again by search" in out


def test_layers_tied_together_have_the_same_spatial_factors(verify: Verify) -> None:
    write_spec(Path(), study_text(constrain="same spatial for linear"))
    mapped("--bits", "W=4")
    code, out, err = verify()
    assert (code, err) == (0, "")
    assert "its spatial factors are those of `b` and `c`" in out and "said to add up to the least" in out
    places = dict(saved()["answers"][1]["mapping"]["places"])
    unrolled, places["pe.x"] = places["pe.x"], []
    for loop in unrolled:  # the same factors, but one after the other
        inside = [{**x, "factor": x["factor"] * loop["factor"]} for x in places["dram"] if x["dim"] == loop["dim"]]
        places["dram"] = [x for x in places["dram"] if x["dim"] != loop["dim"]] + (inside or [loop])
    save(change(saved(), "answers.1.mapping.places", [[p, loops] for p, loops in places.items()]))
    code, _, err = verify()
    assert code == 1 and "`b` and `a` do not have the same spatial factors" in err
    mapped("--layer", "b")
    code, out, _ = verify("--prove")
    assert code == 0 and "no other layer that it is tied to is in the file" in out and "not proved again" in out


def test_an_answer_without_proof_claims_its_bound(verify: Verify) -> None:
    mapped()
    data = change(saved(), "answers.0.status", "feasible")
    save(change(data, "answers.0.lower_bound", lambda e: e / 2))
    code, out, _ = verify()
    assert code == 0 and "no mapping is below" in out and "excluded by bounds" not in out
    code, out, _ = verify("--prove")
    assert code == 0 and "proved again" in out


def test_the_file_says_what_was_asked_and_how_it_was_answered() -> None:
    mapped()
    data = saved()
    assert (data["format"], data["version"], data["spec"]) == ("qdsl-map", 2, "small.qdsl")
    assert data["files"][0][0] == "small.qdsl" and data["command"].startswith("qdsl map small.qdsl --layer a")
    (answer,) = data["answers"]
    assert answer["constraints"] == ["spatial pe.x only N, K"]
    assert answer["value"] == answer["lower_bound"] == answer["evaluation"]["energy_pj"]
    assert 0 < answer["searched"] <= answer["plans"] and answer["legal_mappings"] > 100


def test_the_result_may_lie_elsewhere_and_the_spec_move(verify: Verify) -> None:
    Path("deep/er").mkdir(parents=True)
    there = Path("deep/er/result.json")
    assert main(["map", str(SPEC), "--layer", "a", "--out", str(there)]) == 0
    assert json.loads(there.read_text())["spec"] == "../../small.qdsl"
    assert verify(file=there)[0] == 0
    SPEC.rename("moved.qdsl")
    code, _, err = verify(file=there)
    assert code == 1 and "Q0010" in err
    code, out, _ = verify("--spec", "moved.qdsl", file=there)
    assert code == 0 and "changed, but not what this answer depends on" in out


def test_a_solver_without_time_decides_nothing(verify: Verify) -> None:
    mapped()
    code, out, _ = verify("--time-limit", "1e-9")
    assert code == 0 and re.search(r"did not decide in \d\.\d s whether the rules admit it", out)


# --- a spec that changed ------------------------------------------------------------------------


def test_a_change_without_meaning_is_noted(verify: Verify) -> None:
    mapped()
    edit("study mixed", "// a comment\nstudy mixed")
    code, out, _ = verify()
    assert code == 0
    assert "the text of `small.qdsl` changed, but not what this answer depends on" in out


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("size 64 word", "size 32 word", "`accelerator.hierarchy.buffer.size_words` was 64, is 32"),
        ("read 200 pJ", "read 100 pJ", "`accelerator.hierarchy.dram.energy.read_pj` was 200.0, is 100.0"),
        ("input x: 12", "input x: 16", "was 12, is 16"),
        ("only N, K", "only N", "the constraint `spatial pe.x only N, K` was there"),
        ("map mlp onto tiny", "map mlp onto tiny\n  constrain { K <= 12 }", "the constraint `K <= 12` is new"),
        ("array pe { x 4 }", "array pe { x 4; y 2 }", "`accelerator.hierarchy.pe.y` was 1, is 2"),
        ("a = linear", "z = linear", "has no layer `a`"),
        ("study mixed", "study other", "has no layer `a` in study `mixed`"),
    ],
)
def test_a_change_of_meaning_is_refused_by_name(verify: Verify, old: str, new: str, named: str) -> None:
    write_spec(Path(), study_text(constrain="spatial pe.x only N, K"))
    mapped()
    edit(old, new)
    if old == "a = linear":
        edit("linear(a,", "linear(z,")
    code, out, err = verify()
    assert code == 1 and "Q0909" in err and named in err
    assert "Z3" not in out and out.endswith("1 of 1 answer does not hold\n")


def test_a_spec_with_a_mistake_is_no_spec(verify: Verify) -> None:
    mapped()
    edit("size 64 word", "size 64 wrod")
    code, _, err = verify()
    assert code == 1 and "Q0301" in err


# --- tampering ----------------------------------------------------------------------------------


def test_what_is_no_result_is_refused(verify: Verify) -> None:
    mapped()
    text, data = RESULT.read_text(), saved()
    wrong = {
        "truncated": text[: len(text) // 2],
        "empty": "",
        "no JSON": "mapping",
        "other JSON": "[1, 2]",
        "other format": json.dumps({**data, "format": "qdsl-run"}),
        "other version": json.dumps({**data, "version": 1}),
        "a part missing": json.dumps({k: v for k, v in data.items() if k != "answers"}),
        "a part of another type": json.dumps({**data, "answers": {}}),
        "more digits than a number has": text.replace('"plans": ', f'"plans": {"9" * 5000}'),
        "nested too deeply": "[" * 100_000,
    }
    for name, content in wrong.items():
        RESULT.write_text(content)
        code, out, err = verify()
        assert (code, out) == (1, ""), name
        assert "Q0908" in err and "result.json" in err, name
    RESULT.write_bytes(b"\xff\xfe\x00")
    assert verify()[0] == 1
    code, _, err = verify(file=Path("absent.json"))
    assert code == 1 and "No such file" in err
    code, _, err = verify(file=Path())
    assert code == 1 and "Q0908" in err


def change(data: Any, path: str, value: Any) -> Any:
    """The data with another value at `answers.0.value`; a function gets the old one."""
    data = deepcopy(data)
    *parents, last = (int(k) if k.isdecimal() else k for k in path.split("."))
    node = data
    for key in parents:
        node = node[key]
    node[last] = value(node[last]) if callable(value) else value
    return data


@pytest.mark.parametrize(
    ("path", "value", "code", "named"),
    [
        ("mapping.places", lambda p: p[:-1], "Q0911", "its places are not those of `tiny`"),
        ("mapping.places.0.0", "tape", "Q0911", "its places are not those of `tiny`"),
        ("mapping.places.0.1", [{"dim": "Z", "factor": 2}], "Q0911", "the loops at `dram` are over Z"),
        ("mapping.places.0.1", [{"dim": "N", "factor": 10**400}], "Q0911", "do not multiply to 8"),
        ("mapping.places.0.1", [{"dim": "N", "factor": -8}], "Q0911", "a factor below 2"),
        ("mapping.places.0.1", [{"dim": "N", "factor": 2}, {"dim": "N", "factor": 4}], "Q0911", "over N, N"),
        ("mapping.bypass", [["buffer", "I"]], "Q0911", "`buffer` cannot bypass `I`"),
        ("mapping.imperfect", "padded", "Q0911", "in perfect factors"),
        ("evaluation.levels.0.tensors.1.1.reads", lambda n: n - 1, "Q0910", "levels.dram.tensors.W.reads"),
        ("evaluation.energy_pj", lambda e: e * 0.999, "Q0910", "`energy_pj` was"),
        ("evaluation.cycles", 10**300, "Q0910", "`cycles` was"),
        ("evaluation", None, "Q0910", "lacks a part"),
        ("mapping", None, "Q0910", "lacks a part"),
        ("value", lambda e: e * 0.5, "Q0910", "the saved energy is"),
        ("value", None, "Q0910", "the saved energy is None"),
        ("value", float("nan"), "Q0910", "the saved energy is nan"),
        ("lower_bound", lambda e: e * 2, "Q0910", "is above the value"),
        ("lower_bound", lambda e: e / 2, "Q0910", "`optimal`, but the bound"),
        ("lower_bound", float("-inf"), "Q0910", "the bound is -inf"),
        ("status", "excellent", "Q0910", "`excellent` is no status"),
        ("searched", 10**30, "Q0910", "choices of spatial factors were searched"),
        ("objective", "beauty", "Q0910", "`beauty` is no objective"),
        ("objective", "latency", "Q0910", "SHA-256"),
        ("bits.1.1", 2, "Q0910", "SHA-256"),
        ("bits.1.1", 10**100, "Q0910", "a width of 1000"),
        ("bits.1.0", "X", "Q0910", "its widths are not those of I, W and O"),
        ("sha256", "0" * 64, "Q0910", "SHA-256"),
        ("question.accelerator.hierarchy.1.size_words", 65, "Q0909", "buffer.size_words` was 65, is 64"),
        ("question", [[[[]]]], "Q0909", "is not the one that was answered"),
        ("origin.layer", "b", "Q0909", "problem.sizes"),
        ("origin.study", "", "Q0909", "has no layer `mlp.a` in mapping"),
        ("origin.network", "other", "Q0909", "has no layer `a` in study `mixed`"),
    ],
)
def test_tampering_is_found(verify: Verify, path: str, value: Any, code: str, named: str) -> None:
    mapped()
    save(change(saved(), f"answers.0.{path}", value))
    exit_code, out, err = verify()
    assert exit_code == 1 and out.endswith("1 of 1 answer does not hold\n")
    assert code in err and named in err


def test_a_mapping_that_breaks_a_rule_is_not_legal(verify: Verify) -> None:
    """All of W in the registers: 96 values in words that hold four of them, where there are eight."""
    mapped()
    everything = [{"dim": d, "factor": n} for d, n in (("M", 4), ("N", 8), ("K", 12))]
    places = [["dram", []], ["buffer", []], ["pe.x", []], ["pe.y", []], ["regs", everything]]
    save(change(saved(), "answers.0.mapping.places", places))
    code, out, err = verify()
    assert code == 1 and "mapping    not legal" in out
    assert "Q0607" in err and "24 words" in err


def test_a_mapping_that_breaks_a_constraint_is_not_legal(verify: Verify) -> None:
    mapped()
    places = [["dram", [{"dim": "N", "factor": 8}, {"dim": "K", "factor": 12}]]]
    places += [["buffer", []], ["pe.x", [{"dim": "M", "factor": 4}]], ["pe.y", []], ["regs", []]]
    save(change(saved(), "answers.0.mapping.places", places))
    code, _, err = verify()
    assert code == 1 and "Q0711" in err and "spatial pe.x only N, K" in err


def test_a_worse_mapping_with_numbers_to_fit_is_found_by_proof_alone(verify: Verify) -> None:
    mapped()
    answer = saved()["answers"][0]
    worse = {p: [{"dim": x["dim"], "factor": x["factor"]} for x in loops] for p, loops in answer["mapping"]["places"]}
    worse["dram"] = [{"dim": "K", "factor": 12}, {"dim": "N", "factor": 8}, {"dim": "M", "factor": 4}]
    for place in ("buffer", "pe.x", "pe.y", "regs"):
        worse[place] = []
    data = change(saved(), "answers.0.mapping.places", [[p, loops] for p, loops in worse.items()])
    save(data)
    code, _, err = verify("--format", "json")
    assert code == 1
    found = json.loads(err.splitlines()[0])
    assert found["code"] == "Q0910"

    from qdsl.model import load
    from qdsl.model.mapping import Loop, Mapping
    from qdsl.study.codec import to_json
    from qdsl.symbolic import evaluate

    study = load(SPEC).studies[0]
    mapping = Mapping(tuple((p, tuple(Loop(x["dim"], x["factor"]) for x in loops)) for p, loops in worse.items()))
    evaluation = evaluate(study.accelerator, study.network.layer("a").problem, dict(answer["bits"]), mapping)
    data = change(data, "answers.0.evaluation", to_json(evaluation))
    for part in ("value", "lower_bound"):
        data = change(data, f"answers.0.{part}", evaluation.energy_pj)
    save(data)
    code, out, _ = verify()
    assert code == 0 and "not proved again" in out
    code, _, err = verify("--prove")
    assert code == 1 and "Q0912" in err and "`a` has a mapping of" in err


def test_a_wrong_number_of_mappings_is_found_where_they_can_be_counted(
    verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped()
    save(change(saved(), "answers.0.legal_mappings", 7))
    code, out, err = verify()
    assert code == 1 and "Q0910" in err and "7 are saved" in err and "Z3" not in out
    monkeypatch.setattr("qdsl.study.verify.count_legal", lambda *_: None)
    code, out, _ = verify()
    assert code == 0 and "number     7 legal mappings: not counted again in 2 s" in out
    code, _, err = verify("--prove")
    assert code == 1 and "Q0910" in err and "7 are saved" in err


def test_a_file_without_answers_says_nothing(verify: Verify) -> None:
    mapped()
    save(change(saved(), "answers", []))
    code, out, err = verify()
    assert code == 1 and "Q0908" in err and "it holds no answer" in err and out == ""


def test_names_that_mean_the_same_are_compared_with_the_text_they_come_from(verify: Verify) -> None:
    mapped()
    data = saved()
    for path, value, named in (
        ("accelerator", "other", "saved as `other` and is `tiny` in the spec"),
        ("constraints", ["spatial pe.x only M"], "saved in other words"),
    ):
        save(change(data, f"answers.0.{path}", value))
        code, _, err = verify()
        assert code == 1 and "Q0910" in err and named in err
    edit("study mixed", "// a comment\nstudy mixed")
    code, out, _ = verify()
    assert code == 0 and "not what this answer depends on; the lines of the constraints are saved in other words" in out


def test_a_wrong_claim_that_there_is_no_mapping_is_refuted(verify: Verify) -> None:
    mapped()
    data = change(saved(), "answers.0.status", "infeasible")
    for part in ("mapping", "evaluation", "value", "lower_bound"):
        data = change(data, f"answers.0.{part}", None)
    save(data)
    code, _, err = verify()
    assert code == 1 and "Q0912" in err and "has a legal mapping" in err


def nodes(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(p for key, value in inside for p in nodes(value, (*path, key)))]


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_change_of_a_file_ends_in_a_traceback(verify: Verify, data: st.DataObject) -> None:
    original = Path("original.json")
    if not original.exists():
        mapped()
        RESULT.rename(original)
    content = json.loads(original.read_text())
    for _ in range(data.draw(st.integers(1, 2))):
        *parents, last = data.draw(st.sampled_from(nodes(content)[1:]))
        node = content
        for key in parents:
            node = node[key]
        node[last] = data.draw(JSON_VALUES)
    save(content)
    code, out, err = verify()
    assert code in (0, 1)
    assert (code == 0) == ("everything that was checked holds" in out)
    assert "error[Q" in err or code == 0


# --- execution ----------------------------------------------------------------------------------


def test_a_large_layer_is_not_executed_and_that_is_said(verify: Verify) -> None:
    mapped()
    code, out, _ = verify("--execute", "383")
    assert code == 0
    assert "execution  left out, 384 operations are more than 383 (`--execute` allows more)" in out
    assert "384 operations executed one by one" in verify("--execute", "384")[1]


def test_an_evaluation_that_execution_refutes_is_a_defect(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formulas and file agree, execution counts one read more."""
    from qdsl.interpreter import interpret as execute
    from qdsl.study import recount

    def wrong(*arguments: Any) -> Any:
        found = execute(*arguments)
        counts = {key: replace(c, reads=c.reads + (key == ("dram", "W"))) for key, c in found.counts.items()}
        return replace(found, counts=counts)

    mapped()
    monkeypatch.setattr(recount, "interpret", wrong)
    code, _, err = verify()
    assert code == 1 and "Q0913" in err and "reads of `W` at `dram`" in err


# --- differences --------------------------------------------------------------------------------


def test_differences_are_named() -> None:
    then = {"a": [{"name": "x", "n": 1}, {"name": "y", "n": 2}], "b": [1, 2], "c": 1.0, "d": None}
    now = {"a": [{"name": "y", "n": 3}, {"name": "z"}], "b": [1], "c": 1.0 + 1e-12, "d": {"e": 1}}
    assert differences(then, then) == ()
    assert differences(then, now, 1e-9) == (
        "`a.x` was there: x",
        "`a.y.n` was 2, is 3",
        "`a.z` is new: z",
        "`b.1` was there: 2",
        "`d` was nothing, is {e}",
    )
    assert differences({"c": 1.0}, {"c": 1}) == ("`c` was 1.0, is 1",)
    assert len(differences({}, {str(i): i for i in range(20)})) == 9
