"""The whole chain from text to numbers against the reference cases: `qdsl eval FILE --format json` on each rendered case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qdsl.cli import main
from tests.support.timeloop_cases import load_cases, to_source

RETURNED = (
    "an inner loop that starts again brings back a tile by chance; the reference does not fetch it from the parent"
)
EXTRAPOLATED = "the reference takes a loop's second iteration for its last one, so a tile seems to come back unchanged"

# Where the reference tool counts something else, and why. Everything else must match in every number.
DIFFERENT = {
    "11_031_three_level_8bit_conv": EXTRAPOLATED,
    "11_119_four_level_conv": EXTRAPOLATED,
    "11_138_eyeriss_like_conv": EXTRAPOLATED,
    "11_152_eyeriss_like_depthwise": EXTRAPOLATED,
    "11_215_four_level_conv": EXTRAPOLATED,
    "11_240_three_level_8bit_conv": RETURNED,
}
CASES = load_cases()
LEGAL = [c for c in CASES if "error" not in c["result"] and c["id"] not in DIFFERENT]
REJECTED = [c for c in CASES if "error" in c["result"]]


def run_eval(case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    path = tmp_path / "case.qdsl"
    path.write_text(to_source(case))
    code = main(["eval", str(path), "--format", "json"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_all_cases_are_there() -> None:
    assert (len(CASES), len(LEGAL), len(DIFFERENT), len(REJECTED)) == (240, 185, 6, 49)


@pytest.mark.parametrize("case", LEGAL, ids=lambda c: c["id"])
def test_every_count_energy_and_cycle_matches(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run_eval(case, tmp_path, capsys)
    assert code == 0, err
    found = json.loads(out)
    for level, row in case["result"]["levels"].items():
        for tensor, counts in row["tensors"].items():
            ours = found["levels"][level]["tensors"][tensor]
            assert {k: ours[k] for k in ("words", "reads", "fills", "updates", "instances")} == {
                k: counts[k] for k in ("words", "reads", "fills", "updates", "instances")
            }, (level, tensor)
            assert ours["energy_pj"] == pytest.approx(counts["energy"], rel=1e-9)
    assert found["total"]["cycles"] == case["result"]["summary"]["cycles"]


@pytest.mark.parametrize("case", REJECTED, ids=lambda c: c["id"])
def test_an_illegal_mapping_is_refused_for_the_same_reason(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run_eval(case, tmp_path, capsys)
    assert (code, out) == (1, "")
    reason = case["result"]["error"]
    assert ("Q0606" if "expansion" in reason else "Q0607") in err
    if "tile size" in reason:
        level, size, capacity = reason.split("level ")[1].split(":")[0], *[w for w in reason.split() if w.isdigit()]
        assert f"the tiles at `{level}` need {size} words, its capacity is {capacity}" in err.replace('\\"', '"')


@pytest.mark.parametrize("case_id", DIFFERENT)
def test_the_cases_that_count_something_else_do_differ(
    case_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = next(c for c in CASES if c["id"] == case_id)
    code, out, _ = run_eval(case, tmp_path, capsys)
    assert code == 0
    found = json.loads(out)
    differing = {
        tensor
        for level, row in case["result"]["levels"].items()
        for tensor, counts in row["tensors"].items()
        if any(found["levels"][level]["tensors"][tensor][k] != counts[k] for k in ("reads", "fills", "updates"))
    }
    assert differing == {"Inputs"}
