"""How commands treat findings: `--deny`, `qdsl rule`, suggestions of the command line, colour and width, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qdsl.cli import main
from qdsl.diagnostics.codes import CODES

WARNED = """operator matmul { dims M, N, K; weights W; O[m, n] += I[m, k] * W[k, n] }
accelerator a {
  word 8 bit
  memory dram { energy read 1 pJ, write 1 pJ }
  compute mac { energy 1 pJ; source "s" }
}
network n { layer l = matmul(M = 2, N = 2, K = 2) }
mapping m for n.l onto a { bits W = 8, I = 8, O = 8; dram: for M 2, N 2, K 2 }
study s {
  map n onto a
  precision { weights in {4, 8} per layer; activations in {8} per layer; output 8 bit }
  minimize energy, weight_memory
  search nsga2(population = 4, generations = 1, seed = 1)
}
"""


@pytest.fixture
def warned(tmp_path: Path) -> str:
    path = tmp_path / "warned.qdsl"
    path.write_text(WARNED)
    return str(path)


def test_warnings_do_not_fail(warned: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", warned]) == 0
    assert "warning[Q0509]" in capsys.readouterr().err


@pytest.mark.parametrize("deny", ["Q0509", "q0509", "warnings", "Q0404,Q0509"])
def test_denied_warnings_are_errors(deny: str, warned: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--deny", deny, warned]) == 1
    assert "error[Q0509]" in capsys.readouterr().err


def test_what_is_not_denied_stays_a_warning(warned: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--deny", "Q0404", "--deny", "Q0420", "--format", "json", warned]) == 0
    shown = capsys.readouterr()
    assert {json.loads(line)["severity"] for line in shown.err.splitlines()} == {"warning"}
    assert json.loads(shown.out)["errors"] == 0


@pytest.mark.parametrize(
    "command", [["map", "--mapping", "m"], ["eval"], ["run", "--quiet", "--out", "out"], ["count"]]
)
def test_other_commands_refuse_what_is_denied(
    command: list[str], warned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([command[0], warned, *command[1:], "--deny", "warnings"]) == 1
    shown = capsys.readouterr()
    assert "error[Q0509]" in shown.err and shown.out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["chek", "x"], "did you mean check?"),
        (["check", "--feasability", "x"], "did you mean --feasibility?"),
        (["map", "x", "--studdy=a"], "did you mean --study?"),
        (["check", "--format", "serif", "x"], "did you mean sarif?"),
        (["check", "--deny", "Q9509", "x"], "did you mean Q0509?"),
        (["check", "--deny", "Q0202", "x"], "Q0202 is an error already"),
        (["check", "--deny", "nonsense", "x"], "the codes of warnings"),
    ],
)
def test_the_command_line_suggests_what_was_meant(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert hint in capsys.readouterr().err


def test_rule_prints_the_page_of_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("Q0412", "q0412", "412"):
        assert main(["rule", text]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("# Q0412: window larger than its input\n")
        assert shown.index("## Wrong") < shown.index("## Right")


def test_rule_lists_every_code_by_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {code}  {title}" in shown for code, title in CODES.items())
    assert "Q04 operators, networks, shapes\n  Q0401" in shown


def test_rule_as_json_has_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "Q0412", "Q0903", "--format", "json"]) == 0
    with_example, without = json.loads(capsys.readouterr().out)
    assert (with_example["code"], with_example["level"], without["wrong"]) == ("Q0412", "error", None)
    assert "pad = 1" in with_example["right"] and "pad = 1" not in with_example["wrong"]
    assert main(["rule", "--format", "json"]) == 0
    assert [x["code"] for x in json.loads(capsys.readouterr().out)] == list(CODES)


def test_rule_suggests_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "Q0413x"]) == 1
    shown = capsys.readouterr().err
    assert "there is no rule `Q0413x`" in shown and "did you mean `Q0413`?" in shown


def test_findings_are_coloured_where_that_is_asked_for(
    warned: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def coloured(*options: str, **environment: str) -> bool:
        for name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        main(["check", *options, warned])
        return "\x1b[" in capsys.readouterr().err

    assert not coloured()
    assert coloured("--color", "always")
    assert coloured("--color", "always", NO_COLOR="1")
    assert coloured(FORCE_COLOR="1")
    assert not coloured(FORCE_COLOR="1", NO_COLOR="1")
    assert not coloured("--color", "never", FORCE_COLOR="1")


@pytest.mark.parametrize("width", [40, 72])
def test_findings_fit_the_terminal(
    width: int, warned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(width))
    main(["check", "warned.qdsl"])
    assert max(map(len, capsys.readouterr().err.splitlines())) <= width
