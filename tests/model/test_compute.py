"""Tables beside specs, engines and costs of layers: what the checked model makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from qdsl import to_text
from qdsl.diagnostics import Sink, SpecError
from qdsl.mapper import best_mapping
from qdsl.model import load
from qdsl.model.loader import Library
from qdsl.model.study import Model
from qdsl.study.run import run_study
from qdsl.study.runfile import RUN_FILE, load_run
from qdsl.symbolic import evaluate

CORE = """
operator matmul(stride = 1) {
  dims M, N, K
  weights W
  O[m, n] += I[stride*m, k] * W[k, n]
}
operator copy { dims M, N; O[m, n] = I[m, n] }
network two {
  input x: 6
  a = matmul(x, N = 8)
  b = copy(a)
  c = matmul(b, N = 4)
  output c
}
accelerator core {
  word 8 bit
  clock 100 MHz
  memory ram { energy read 0 pJ, write 0 pJ }
  compute unit {
    table rate from "rate.csv"
    let tiles = ceil(N / 3)
    cycles for matmul = tiles * operations / rate(bits(I), bits(W))
    cycles for copy = 0
    energy for matmul = K * stride * 2 pJ
    figure tiles for matmul = tiles
    power 1 mW
    source "example"
  }
}
study widths {
  map two onto core
  precision {
    weights in {2, 3, 4} per layer
    activations in {4} per layer
    output 4 bit
  }
  minimize energy, latency, noise
  search exact
}
"""
RATES = "inputs,weights,rate\n# a comment\n4,2,3\n\n4,4,1.5\n"


def core(directory: Path, text: str = CORE, rates: str = RATES) -> Model:
    (directory / "rate.csv").write_text(rates, encoding="utf-8")
    (directory / "core.qdsl").write_text(text, encoding="utf-8")
    return load(directory / "core.qdsl")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return core(tmp_path_factory.mktemp("core"))


@pytest.mark.parametrize(("weights", "rate"), [(2, Fraction(3)), (3, Fraction(3, 2)), (4, Fraction(3, 2))])
def test_a_layer_costs_what_its_formulas_say_at_the_next_larger_key(weights: int, rate: Fraction, model: Model) -> None:
    machine, problem = model.accelerators[0], model.networks[0].layers[0].problem
    bits = {"I": 4, "W": weights, "O": 4}
    tiles, operations = 3, 1 * 8 * 6
    cycles = -(-(tiles * operations) // rate)
    found = best_mapping(machine, problem, bits)
    assert found.mapping is not None and found.status == "optimal"
    evaluation = evaluate(machine, problem, bits, found.mapping)
    assert evaluation.cycles == cycles
    assert evaluation.energy_pj == pytest.approx(6 * 2 + cycles * 10)  # 1 mW at 100 MHz is 10 pJ per cycle


def test_a_free_layer_costs_nothing(model: Model) -> None:
    machine, problem = model.accelerators[0], model.networks[0].layers[1].problem
    found = best_mapping(machine, problem, {"I": 4, "O": 4})
    assert found.evaluation is not None
    assert (found.evaluation.cycles, found.evaluation.energy_pj) == (0, 0)


@pytest.mark.parametrize("bits", [{"I": 5, "W": 4, "O": 4}, {"I": 4, "W": 5, "O": 4}])
def test_beyond_the_last_key_there_is_no_cost(bits: dict[str, int], model: Model) -> None:
    with pytest.raises(SpecError, match="ends before"):
        model.accelerators[0].compute.cycles_per_operation(model.networks[0].layers[0].problem, bits)


def test_a_study_runs_on_such_a_machine_and_reports_its_figures(model: Model, tmp_path: Path) -> None:
    run = run_study(model.studies[0], model, tmp_path, workers=1)
    least = run.front[0].objectives
    assert least["latency"] == 48 + 22  # 3 * 48 / 3, and 2 * 32 / 3 rounded up
    assert least["energy"] == pytest.approx(12 + 16 + 10 * least["latency"])
    assert run.chosen_point.layers[1].energy_pj == 0
    assert [layer.figures for layer in run.details[0].layers] == [(("tiles", 3.0),), (), (("tiles", 2.0),)]
    assert {reason for _, reason in run.legal.uncounted} == {"the cost of a layer is that of any mapping"}
    again = load_run(tmp_path / RUN_FILE)
    assert again.details == run.details
    assert json.loads((tmp_path / RUN_FILE).read_text())["version"] == 5


def test_its_memory_must_hold_a_layer_whole(tmp_path: Path) -> None:
    """At 4 bits `a` has 6 inputs, 48 weights and 8 outputs, which take 3 + 24 + 4 words, and `c` 4 + 16 + 2."""
    for size, legal in ((31, True), (30, False)):
        found = core(tmp_path, CORE.replace("memory ram {", f"memory ram {{ size {size} word;"))
        problem = found.networks[0].layers[0].problem
        answer = best_mapping(found.accelerators[0], problem, {"I": 4, "W": 4, "O": 4})
        assert (answer.mapping is not None) == legal


def test_two_operators_of_equal_rules_do_not_share_an_answer(tmp_path: Path) -> None:
    text = (
        CORE.replace("b = copy(a)", "b = relabelled(a)")
        .replace("network two", "operator relabelled { dims M, N; O[m, n] = I[m, n] }\nnetwork two")
        .replace("cycles for copy = 0", "cycles for copy = 0\n    cycles for relabelled = 7")
    )
    two = core(tmp_path, text)
    other = core(tmp_path)
    energies = [run_study(m.studies[0], m, tmp_path / "out", workers=1).front[0].energy_pj for m in (two, other)]
    assert energies[0] == pytest.approx(energies[1] + 7 * 10)


def test_another_table_is_another_question(tmp_path: Path) -> None:
    energies = []
    for rates in (RATES, RATES.replace("3\n", "6\n")):
        found = core(tmp_path, rates=rates)
        energies.append(run_study(found.studies[0], found, tmp_path / "out", workers=1).front[0].energy_pj)
    assert energies[0] > energies[1]


def test_a_library_notices_that_a_table_changed(tmp_path: Path) -> None:
    core(tmp_path)
    library = Library()

    def rate() -> float:
        found = library.load(tmp_path / "core.qdsl", Sink()).model
        assert found is not None
        unit, problem = found.accelerators[0].compute, found.networks[0].layers[0].problem
        return float(unit.cycles_per_operation(problem, {"I": 4, "W": 4, "O": 4}))

    assert (rate(), rate()) == (2.0, 2.0)
    (tmp_path / "rate.csv").write_text(RATES.replace("1.5", "3"), encoding="utf-8")
    assert rate() == 1.0


def test_the_files_of_a_model_include_its_tables(model: Model) -> None:
    assert [Path(path).name for path, _ in model.files] == ["core.qdsl", "rate.csv"]


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ("", "has 0 rows"),
        ("a,b,c\n", "has 0 rows"),
        ("a\n1\n", "has one column"),
        ("a,b,c\n4,2\n", "has 2 cells in line 2"),
        ("a,b,c\n4,2,3\n4,2,3\n", "has two rows for 4, 2"),
        ("a,b,c\n4,2,3\n3,4,3\n", "has no row for 3, 2"),
        ("a,b,c\n4,x,3\n", "has the key `x` in line 2"),
        ("a,b,c\n4,2,many\n", "has the value `many` in line 2"),
        ("a,b,c\n4,2,nan\n", "has the value `nan` in line 2"),
        ("a,b,c\n4,2,-1\n", "has a negative value in line 2"),
        ("a,b,c [furlong]\n4,2,1\n", "unknown unit `furlong`"),
        ("a,b,c [pJ]\n4,2,1\n", "the cycles of a layer must be"),
    ],
)
def test_what_is_no_table_is_refused(rates: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        core(tmp_path, rates=rates)
    assert said in refused.value.diagnostics[0].message


def test_costs_of_layers_can_be_written_unless_they_read_a_table(model: Model) -> None:
    machine = model.accelerators[0]
    with pytest.raises(ValueError, match="the table `rate` stands in a file"):
        to_text(machine)
    matmul, copy = machine.compute.layers
    plain = replace(machine, compute=replace(machine.compute, layers=(replace(matmul, cycles=copy.cycles), copy)))
    assert "figure tiles for matmul = ceil(N / 3)" in to_text(plain)
