"""Everything that the README shows is tried: commands, the spec, the excerpts of output."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from qdsl.cli import main
from qdsl.model import load
from qdsl.syntax import format_source

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("qdsl ")]
OUTPUTS = [text for kind, text in BLOCKS if kind == "text"]
SPECS = [text for kind, text in BLOCKS if kind == "qdsl"]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


def qdsl(arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qdsl", *shlex.split(arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=1800, check=False)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the shipped specs, in which the commands may leave their output."""
    place = tmp_path_factory.mktemp("checkout")
    (place / "specs").symlink_to(ROOT / "specs", target_is_directory=True)
    return place


def test_the_commands_run_one_after_the_other(checkout: Path) -> None:
    assert len(COMMANDS) >= 7
    for line in COMMANDS:
        done = qdsl(line.removeprefix("qdsl "), checkout)
        assert done.returncode == 0, (line, done.stderr)
    assert (checkout / "qdsl-out/first/report.html").stat().st_size > 10_000


def test_the_python_of_the_readme_runs(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = PYTHON
    monkeypatch.chdir(checkout)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert len(names["front"]) == len(names["results"].front) > 10
    assert set(names["energies"].layer) == {"conv", "mean", "fc"}
    assert "study wider {" in capsys.readouterr().out


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.slow
def test_the_main_job_prints_what_the_readme_shows(checkout: Path) -> None:
    """Energies and sizes are exact. Training rounds otherwise on other processors: errors come close."""
    job = re.search(r"\.venv/bin/qdsl (run \S+)", README)
    assert job is not None
    done = qdsl(job[1], checkout)
    assert done.returncode == 0, done.stderr
    table = {tuple(row[:2]): row for row in rows(done.stdout) if row[:1] in (["uniform"], ["front"])}
    shown = {tuple(row[:2]): row for row in rows(OUTPUTS[0]) if row[:1] == ["uniform"]}
    assert len(shown) == 3
    for name, row in shown.items():
        assert table[name][2:6] == row[2:6]
        errors, expected = ([float(x) for x in r[6::2]] for r in (table[name], row))
        assert all(abs(a - b) <= max(2, 0.5 * b) for a, b in zip(errors, expected, strict=True)), (table[name], row)
    chosen, widest = table["front", "(chosen)"], table["uniform", "8/8"]
    assert float(chosen[2]) < 0.6 * float(widest[2])
    assert float(chosen[8]) < float(widest[8]) + 2
    assert (checkout / "qdsl-out/resnet8_digits_eyeriss/report.html").exists()


def test_the_job_without_training_prints_what_the_readme_shows(checkout: Path) -> None:
    done = qdsl("run specs/studies/mobilenet_v1_eyeriss.qdsl", checkout)
    assert done.returncode == 0, done.stderr
    found = rows(done.stdout)
    assert [row for row in rows(OUTPUTS[2]) if row not in found] == []
    assert (checkout / "qdsl-out/mobilenet_v1_eyeriss/report.html").exists()


def test_the_spec_of_the_language_page_checks_and_is_formatted(tmp_path: Path) -> None:
    (spec,) = SPECS
    path = tmp_path / "page.qdsl"
    path.write_text(spec)
    (study,) = load(path).studies
    assert study.name == "widths"
    assert format_source(spec) == spec
    assert main(["eval", str(path)]) == 0
    assert main(["run", str(path), "--quiet", "--out", str(tmp_path / "out")]) == 0


def test_the_finding_shown_is_the_one_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = OUTPUTS[1]
    line = {int(n): text for n, text in re.findall(r"^ *(\d+) \| (.*)$", shown, flags=re.MULTILINE)}
    (spec,) = SPECS
    registers = next(x for x in spec.splitlines() if "memory registers" in x)
    assert registers == line[12]
    wrong = spec.replace("registers: for M 4, N 4, K 4", line[26].strip()).replace(
        "buffer: for N 6, M 4", "buffer: for N 6, M 2"
    )
    path = tmp_path / "toy.qdsl"
    path.write_text(wrong)
    assert main(["eval", str(path)]) == 1
    found = capsys.readouterr().err

    def parts(text: str) -> list[str]:
        """Without line numbers and file, which differ."""
        return [re.sub(r"^ *\d* *\|", "|", x).strip() for x in text.splitlines() if x.strip() and "-->" not in x]

    assert [x for x in parts(shown) if x not in parts(found)] == []


def test_files_that_the_readme_links_exist() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert targets
    assert [t for t in targets if not (ROOT / t).exists()] == []


def test_the_container_is_made_of_what_a_wheel_needs() -> None:
    lines = (ROOT / ".ci/Containerfile").read_text(encoding="utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        project["project"]["readme"],
        *project["project"]["license-files"],
        *wheel["packages"],
        *wheel["force-include"],
    }
    assert set(copied) == {"pyproject.toml", *needed}
