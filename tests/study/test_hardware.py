"""Studies over hardware parameters, sets of networks and abstraction levels."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qdsl.diagnostics import Severity, SpecError
from qdsl.model import load
from qdsl.model.study import Model, Study
from qdsl.report import write_report
from qdsl.study.result import DesignPoint, StudyRun
from qdsl.study.run import run_study
from qdsl.study.runfile import RUN_FILE, load_run

SPEC = """
operator linear() {{
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}}
accelerator tiny {{
  param columns = 4 in {{1, 2, 4}}
  param glb = 64 word in {{1 word, 16 word .. 64 word step 16 word}}
  param read = 6 pJ
  word 16 bit
  memory dram {{ energy read 200 pJ, write 200 pJ }}
  memory buffer {{ size glb; keep I, O; energy read read, write 6 pJ; area 0.001 mm2 * (glb / 1 word) }}
  array pe {{ x columns }}
  memory regs {{ size 8 word; keep W; energy read 1 pJ, write 1 pJ; area 0.001 mm2 }}
  compute mac {{ energy 2 pJ; area 0.002 mm2 }}
}}
network mlp {{
  batch 2
  input x: 6
  a = linear(x, N = 8) relu
  b = linear(a, N = 4)
  output b
}}
network single {{
  input x: 4
  a = linear(x, N = 4)
  output a
}}
study s {{
  map {what}
  {statements}
  precision {{
    weights in {{2, 4, 8}} per layer
    activations in {{4, 8}} per layer
    output 8 bit
  }}
  minimize {minimize}
  search {search}
}}
"""
NSGA2 = "nsga2(population = 8, offspring = 8, generations = {generations}, seed = 1)"


def _model(
    directory: Path,
    what: str,
    statements: str = "",
    minimize: str = "energy, noise",
    generations: int = 30,
    search: str = "",
) -> Model:
    path = directory / "spec.qdsl"
    search = search or NSGA2.format(generations=generations)
    text = SPEC.format(what=what, statements=statements, minimize=minimize, search=search)
    path.write_text(text, encoding="utf-8")
    return load(path)


def _run(directory: Path, what: str, statements: str = "", out: str = "out", **options: object) -> StudyRun:
    model = _model(directory, what, statements, **options)  # type: ignore[arg-type]
    return run_study(model.studies[0], model, directory / out, workers=1)


def _study(directory: Path, what: str, statements: str = "", **options: object) -> Study:
    return _model(directory, what, statements, **options).studies[0]  # type: ignore[arg-type]


def test_configurations_are_all_combinations_within_the_limits(tmp_path: Path) -> None:
    every = _study(tmp_path, "mlp onto tiny(columns, glb in {16 word, 64 word})")
    assert [c.text for c in every.hardware] == [f"columns = {x}, glb = {n} word" for x in (1, 2, 4) for n in (16, 64)]
    for c in every.hardware:
        columns, words = int(c.accelerator.parameters[0][1]), int(c.accelerator.parameters[1][1])
        assert c.accelerator.fanouts[0].x == columns and c.accelerator.levels[1].size_words == words
        # areas by hand: the buffer, and per column registers and a compute unit
        assert c.accelerator.area_mm2 == pytest.approx(0.001 * words + columns * 0.003)
        assert c.accelerator.capacity_bits == 16 * (words + 8 * columns)
    small = _study(tmp_path, "mlp onto tiny(columns, glb in {16 word, 64 word})", "limit area <= 0.022 mm2")
    assert [c.text for c in small.hardware] == ["columns = 1, glb = 16 word", "columns = 2, glb = 16 word"]
    units = _study(tmp_path, "mlp onto tiny(columns, glb = 48 word)", "limit units <= 2; limit capacity <= 1 KiB")
    assert [c.values for c in units.hardware] == [(("columns", "1"),), (("columns", "2"),)]
    assert all(c.accelerator.levels[1].size_words == 48 for c in units.hardware)


def test_a_limit_holds_without_a_searched_parameter(tmp_path: Path) -> None:
    assert _study(tmp_path, "mlp onto tiny", "limit units <= 4").hardware == ()
    with pytest.raises(SpecError) as refused:
        _study(tmp_path, "mlp onto tiny", "limit units <= 3")
    assert [d.code for d in refused.value.diagnostics if d.severity is Severity.ERROR] == ["Q0820"]


def test_the_front_is_that_of_every_configuration_by_itself(tmp_path: Path) -> None:
    """Designs of all configurations, each searched alone by a study of its own, sorted out here by hand."""
    what = "mlp onto tiny(columns in {1, 4}, glb in {16 word, 64 word}, read in {2 pJ, 9 pJ})"
    run = _run(tmp_path, what, minimize="energy, noise, area")
    points = []
    for index, c in enumerate(run.study.hardware):
        fixed = ", ".join(f"{n} = {v}" for n, v in c.values)
        alone = _run(tmp_path, f"mlp onto tiny({fixed})", out=f"alone{index}")
        area = c.accelerator.area_mm2
        points += [((p.energy_pj, p.objectives["noise"], area), index, p.choice) for p in alone.front]
    values = np.array([v for v, _, _ in points])
    beaten = [bool(((values <= v).all(axis=1) & (values < v).any(axis=1)).any()) for v in values]
    expected = {(index, choice) for (_, index, choice), b in zip(points, beaten, strict=True) if not b}
    assert {(p.hardware, p.choice) for p in run.front} == expected
    assert len({p.hardware for p in run.front}) > 1
    assert [c.on_front for c in run.configurations] == [
        sum(p.hardware == i for p in run.front) for i in range(len(run.configurations))
    ]
    assert run.study.accelerator == run.study.hardware[run.chosen_point.hardware].accelerator
    assert load_run(tmp_path / "out" / RUN_FILE) == run


def test_the_exact_front_is_that_of_all_configurations(tmp_path: Path) -> None:
    """The whole fronts of all configurations, each searched alone, sorted out here by hand."""
    what = "mlp onto tiny(columns in {1, 4}, glb in {16 word, 64 word}, read in {2 pJ, 9 pJ})"
    minimize = "energy, noise, area"
    run = _run(tmp_path, what, minimize=minimize, search="exact")

    def costs(point: DesignPoint) -> tuple[float, float, float]:
        return point.energy_pj, 10 ** (point.objectives["noise"] / 10), point.objectives["area"]

    values = []
    for index, c in enumerate(run.study.hardware):
        fixed = ", ".join(f"{n} = {v}" for n, v in c.values)
        alone = _run(tmp_path, f"mlp onto tiny({fixed})", minimize=minimize, search="exact", out=f"alone{index}")
        values += [(costs(p), index) for p in alone.front]
    every = np.array([v for v, _ in values])
    beaten = [bool(((every <= v).all(axis=1) & (every < v).any(axis=1)).any()) for v in every]
    assert {(costs(p), p.hardware) for p in run.front} == {x for x, b in zip(values, beaten, strict=True) if not b}
    assert run.exact is not None and run.exact.points == len(run.front)
    assert len({p.hardware for p in run.front}) > 1
    with (tmp_path / "out" / "front.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [list(rows[0])[3:6], len(rows)] == [["columns", "glb", "read"], len(run.front)]


def test_a_configuration_that_cannot_serve_a_layer_is_left_out(tmp_path: Path) -> None:
    """Inputs and outputs need a word each."""
    run = _run(tmp_path, "mlp onto tiny(glb in {1 word, 16 word})", generations=3)
    assert [len(c.energies_pj) > 0 for c in run.configurations] == [False, True]
    assert {p.hardware for p in run.front} == {1}
    with pytest.raises(SpecError) as refused:
        _run(tmp_path, "mlp onto tiny(glb in {1 word}, columns in {1, 2})", out="none")
    assert {d.code for d in refused.value.diagnostics} == {"Q0701"}


def test_configurations_that_ask_the_same_are_solved_once(tmp_path: Path) -> None:
    """The area is no part of the question, and neither is a parameter that only it depends on."""
    text = SPEC.replace("area 0.002 mm2", "area 0.002 mm2 * spare").replace(
        "param read", "param spare = 1\n  param read"
    )
    path = tmp_path / "spare.qdsl"
    what = "mlp onto tiny(spare in {1, 2, 3})"
    search = NSGA2.format(generations=4)
    path.write_text(text.format(what=what, statements="", minimize="energy, noise", search=search), encoding="utf-8")
    model = load(path)
    run = run_study(model.studies[0], model, tmp_path / "out", workers=1)
    assert len(run.configurations) == 3
    assert run.counts.assignments == 3 * run.counts.possible // 3
    assert run.counts.solved == run.counts.classes < run.counts.assignments / 2
    assert len({c.energies_pj for c in run.configurations}) == 1
    assert {p.hardware for p in run.front} == {0}


def test_energies_of_a_set_add_up_with_weights(tmp_path: Path) -> None:
    both = _run(tmp_path, "3 * mlp + single onto tiny")
    mlp, single = _run(tmp_path, "mlp onto tiny", out="mlp"), _run(tmp_path, "single onto tiny", out="single")
    assert [x.name for x in both.study.network.layers] == ["mlp.a", "mlp.b", "single.a"]
    assert both.baseline is not None and mlp.baseline is not None and single.baseline is not None
    assert both.baseline.energy_pj == pytest.approx(3 * mlp.baseline.energy_pj + single.baseline.energy_pj, rel=1e-12)
    memories = [r.baseline.weight_memory_bits for r in (both, mlp, single) if r.baseline]
    assert memories[0] == memories[1] + memories[2]
    assert both.front[0].energy_pj == pytest.approx(3 * mlp.front[0].energy_pj + single.front[0].energy_pj, rel=1e-12)
    for point in both.front:
        assert point.energy_pj == pytest.approx(sum(x.energy_pj for x in point.layers), rel=1e-12)
    # every network has widths of its own
    assert len(both.study.precision.variables) == 6


def test_cycles_of_a_set_add_up_and_activations_do_not(tmp_path: Path) -> None:
    """Uniform widths of the networks together and each by itself: weighted cycles, and the larger of the two peaks."""
    minimize = "latency, activation_memory"
    both = _run(tmp_path, "2 * mlp + single onto tiny", minimize=minimize, generations=2)
    mlp = _run(tmp_path, "mlp onto tiny", minimize=minimize, generations=2, out="mlp")
    single = _run(tmp_path, "single onto tiny", minimize=minimize, generations=2, out="single")
    for points in zip(both.references, mlp.references, single.references, strict=True):
        of_both, of_mlp, of_single = (p.objectives for p in points)
        assert of_both["latency"] == 2 * of_mlp["latency"] + of_single["latency"]
        peaks = of_mlp["activation_memory"], of_single["activation_memory"]
        assert of_both["activation_memory"] == max(peaks)


def test_the_exact_front_of_a_set_is_what_its_search_is_held_against(tmp_path: Path) -> None:
    """Few designs: the search looks at all of the front. The area of one configuration is a constant."""
    run = _run(tmp_path, "3 * single onto tiny", minimize="energy, noise, area")
    assert run.exact is not None and run.exact.points == len(run.front)
    assert {p.objectives["area"] for p in run.front} == {run.study.accelerator.area_mm2}
    assert run.history[-1].hypervolume == pytest.approx(run.exact.hypervolume[0])


def test_constraints_of_a_set_name_the_network(tmp_path: Path) -> None:
    inside = "constrain { every layer mlp.a { tile(regs, N) == 1 } }"
    assert _study(tmp_path, "mlp + single onto tiny", inside).constraints
    with pytest.raises(SpecError):
        _study(tmp_path, "mlp + single onto tiny", inside.replace("mlp.a", "a"))


FUNNELLED = "mlp onto tiny(columns in {1, 4}, glb in {16 word, 64 word})"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    """The study that the funnels below narrow."""
    return _run(tmp_path_factory.mktemp("whole"), FUNNELLED, minimize="energy, noise, area")


@pytest.mark.parametrize("levels", ["coarse, mid, fine", "mid"])
def test_a_funnel_maps_what_the_rough_levels_left(tmp_path: Path, whole: StudyRun, levels: str) -> None:
    run = _run(tmp_path, FUNNELLED, f"levels {levels}", minimize="energy, noise, area", generations=10)
    named = levels.split(", ")
    assert [x.level for x in run.levels] == [*(x for x in named if x != "fine"), "fine"]
    assert run.counts.possible == whole.counts.assignments == whole.counts.possible
    assert run.counts.assignments < whole.counts.assignments
    for before, after in zip(run.levels[:-1], run.levels[1:], strict=True):
        assert 0 < before.handed_on <= before.front <= before.designs
        assert before.agreement is not None and -1 <= before.agreement <= 1
        assert before.handed_on <= after.designs
    # its designs are mapped as those of the whole study are: none is beyond that study's front
    values = np.array([[p.objectives[o] for o in run.study.objectives] for p in whole.front])
    for point in run.front:
        own = np.array([point.objectives[o] for o in run.study.objectives])
        assert not (own <= values - 1e-9).all(1).any()
    assert load_run(tmp_path / "out" / RUN_FILE) == run


def test_equal_seeds_give_equal_runs(tmp_path: Path) -> None:
    what, statements = "2 * mlp + single onto tiny(columns)", "levels mid, fine"
    first, second = (_run(tmp_path, what, statements, out=out, generations=5) for out in ("one", "two"))

    assert replace(first, timings=()) == replace(second, timings=())


def test_the_report_shows_configurations_networks_and_levels(tmp_path: Path) -> None:
    run = _run(tmp_path, "2 * mlp + single onto tiny(columns)", "levels mid, fine", generations=4)
    write_report(run, tmp_path / "report")
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    for title in ("Which hardware", "Each network", "From rough to fine"):
        assert title in markdown and title in page
    assert (tmp_path / "report" / "hardware.svg").is_file()
    assert "| `mlp` | 2 | 2 |" in markdown
    assert run.study.hardware[run.chosen_point.hardware].text in markdown
