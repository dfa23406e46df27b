"""Energies by CACTI, of which a stand-in gives numbers by hand."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

import qdsl
from qdsl.cli.app import main
from qdsl.diagnostics import SpecError
from qdsl.exchange import cacti
from qdsl.exchange.cacti import Sram, sram_technology


@dataclass
class StandIn:
    """0.1 pJ per bit and KiB to read at 45 nm, twice that to write; energies grow with the node. None below 64 bytes."""

    tech_node: float
    width: int
    size: int
    area: float = 2e-8
    leak_power: float = 3e-6

    def read(self) -> SimpleNamespace:
        if self.size < 64 * 8:
            raise RuntimeError("too small\nsecond line")
        return SimpleNamespace(energy=1e-13 * self.width * (self.size / 8192) * self.tech_node / 45e-9)

    def write(self) -> SimpleNamespace:
        return SimpleNamespace(energy=2 * self.read().energy)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hwcomponents_cacti", SimpleNamespace(SRAM=StandIn))
    monkeypatch.setattr(cacti, "version", lambda _: "1.0")


@pytest.mark.usefixtures("library")
def test_a_technology_that_a_spec_can_use(tmp_path: Path) -> None:
    out = tmp_path / "cmos.qdsl"
    assert main(["energies", "--node", "22.5", "--sram", "buffer=2KiB:64", "--name", "cmos", "--out", str(out)]) == 0
    text = """
    import "cmos.qdsl"
    accelerator one {
      word 16 bit
      memory dram { energy read 10 pJ, write 10 pJ; source "example" }
      memory buffer { size 2 KiB; energy from cmos.buffer }
      compute mac { energy 1 pJ; source "example" }
    }
    """
    level = qdsl.loads(text, tmp_path).model.accelerators[0].level("buffer")
    assert (level.energy.read_pj, level.energy.write_pj) == pytest.approx((6.4, 12.8))
    assert level.block_words == 4
    assert level.energy.source == "CACTI 7 through hwcomponents-cacti 1.0, 22.5 nm"
    assert "// 2 KiB: 0.02 mm2, leakage 3 uW" in out.read_text(encoding="utf-8")


@pytest.mark.usefixtures("library")
def test_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["energies", "--node", "45", "--sram", "a=1KiB:8", "--sram", "b=1MiB:8"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("technology sram45 {\n")
    assert "memory a { width 8 bit; energy read 0.8 pJ, write 1.6 pJ }" in out
    assert "memory b { width 8 bit; energy read 819.2 pJ, write 1638 pJ }" in out


@pytest.mark.usefixtures("library")
def test_a_memory_that_cacti_does_not_know() -> None:
    with pytest.raises(SpecError, match=r"Q0960.*does not answer for `a`(.|\n)*too small"):
        sram_technology("t", 45, [Sram("a", 8, 8)])


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hwcomponents_cacti", None)
    with pytest.raises(SpecError, match=r"Q0960.*asking CACTI needs the library(.|\n)*pip install 'qdsl\[energies\]'"):
        sram_technology("t", 45, [Sram("a", 8192, 8)])


@pytest.mark.parametrize(
    "wrong", [["--node", "7"], ["--node", "45", "--sram", "a=1KB:8"], ["--node", "45", "--sram", "a=0B:8"]]
)
def test_wrong_usage(wrong: list[str]) -> None:
    assert main(["energies", *wrong]) == 2
