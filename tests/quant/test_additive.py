"""Additive models of the error: one tensor quantised at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from qdsl.quant import Quantiser, Quantisers, QuantNetwork, build
from qdsl.quant.additive import MEASURES, options_of, sensitivity
from tests.quant.networks import JOINED, RESIDUAL, loaded, uniform, written

OPTIONS = {"stem": {"I": (2, 8), "W": (2, 8)}, "a": {"I": (2, 8), "W": (2, 8)}, "shortcut": {"I": (2, 8), "W": (2, 8)}}

SPLIT = """
import "operators/linear.qdsl"
network n {
  input x: 6
  fc = linear(x, K = 4)
  last = linear(fc, K = 2)
  output last
}
accelerator tiny {
  word 16 bit
  memory dram { energy read 64 pJ, write 64 pJ; source "example" }
  compute mac { energy 1 pJ; source "example" }
}
study s {
  map n onto tiny
  precision {
    weights in {2..8} per layer
    activations in {3, 5} per layer
    output 8 bit
    split fc: 3 at 8 bit, 1 at 4 bit
  }
  minimize energy
  search nsga2()
}
"""


@pytest.fixture
def residual(tmp_path: Path) -> tuple[QuantNetwork, Tensor]:
    x = torch.randn(32, 2, 9, 9, generator=torch.Generator().manual_seed(1))
    module = build(written(RESIDUAL, tmp_path), seed=2)
    module.calibrate([x])
    return module, x


@pytest.mark.parametrize("measure", MEASURES)
def test_fewer_bits_harm_more_and_shared_activations_count_once(
    residual: tuple[QuantNetwork, Tensor], measure: str
) -> None:
    module, x = residual
    found = sensitivity(module, [x], OPTIONS, measure)
    assert found["shortcut"]["I"] == {2: 0.0, 8: 0.0}
    counted = [found[n][t] for n, t in (("stem", "I"), ("stem", "W"), ("a", "I"), ("a", "W"), ("shortcut", "W"))]
    assert all(e[2] > 20 * e[8] > 0 for e in counted)


@pytest.mark.parametrize("measure", MEASURES)
def test_what_a_concatenation_joins_is_one_tensor(tmp_path: Path, measure: str) -> None:
    x = torch.randn(32, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    module = build(written(JOINED, tmp_path), seed=2)
    module.calibrate([x])
    found = sensitivity(module, [x], {n: {"I": (2, 8)} for n in ("m1.one", "m2.one", "m2.three")}, measure)
    assert found["m2.one"]["I"][2] > 20 * found["m2.one"]["I"][8] > 0
    assert found["m2.three"]["I"] == {2: 0.0, 8: 0.0}


def test_the_network_is_left_as_it_was(residual: tuple[QuantNetwork, Tensor]) -> None:
    module, x = residual
    module.set_widths(uniform(module.network, 4, 5))
    module.eval()
    before, out = {n: t.clone() for n, t in module.state_dict().items()}, module(x)
    for measure in MEASURES:
        sensitivity(module, [x], OPTIONS, measure)
    assert all(torch.equal(t, before[n]) for n, t in module.state_dict().items())
    assert torch.equal(module(x), out)


def test_a_learned_step_that_has_not_begun_is_left_as_it_was(tmp_path: Path) -> None:
    learned = Quantiser(learned="lsq")
    module = build(written(RESIDUAL, tmp_path), quantisers=Quantisers(learned, learned))
    x = torch.randn(8, 2, 9, 9, generator=torch.Generator().manual_seed(1))
    module.calibrate([x])
    sensitivity(module, [x], OPTIONS)
    steps = [m.quantiser.step for m in module.layers.values() if m.quantiser is not None]
    assert steps and all(s is not None and bool(s.isnan()) for s in steps)


def test_small_errors_add_up_to_that_of_a_design(residual: tuple[QuantNetwork, Tensor]) -> None:
    module, x = residual
    module.eval()
    exact = module(x).detach()
    options = {n: {t.name: (7,) for t in m.layer.problem.operator.inputs} for n, m in module.layers.items()}
    outputs = {module.network.outputs[0]: {"O": (7,)}}
    found = sensitivity(module, [x], {**options, "fc": {**options["fc"], **outputs["fc"]}}, "sqnr")
    module.set_widths(uniform(module.network, 7, 7))
    noise = float((module(x).detach() - exact).square().sum() / exact.square().sum())
    assert noise == pytest.approx(sum(e[7] for tensors in found.values() for e in tensors.values()), rel=0.5)


def test_curvature_of_one_layer_is_the_closed_form(tmp_path: Path) -> None:
    text = 'import "operators/linear.qdsl"\nnetwork n {\n  input x: 6\n  fc = linear(x, K = 4)\n  output fc\n}'
    module = build(loaded(text, tmp_path, "operators").networks[0], seed=1)
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    module.calibrate([x])
    p = torch.softmax(module(x).detach(), 1)
    trace = float((x.square().sum(1) * (p * (1 - p)).sum(1)).mean())
    weight = module.layers["fc"].weight
    assert weight is not None
    module.set_widths({"fc": {"W": 3}})
    error = float(
        (module.layers["fc"].quantised_weight(module.layers["fc"].weight_grid()) - weight).detach().square().sum()
    )
    found = [sensitivity(module, [x], {"fc": {"W": (3,)}}, "hessian", seed)["fc"]["W"][3] for seed in range(4)]
    assert sum(found) / 4 == pytest.approx(0.5 * trace / 24 * error, rel=0.1)


def test_options_are_those_of_a_study_also_of_its_groups(tmp_path: Path) -> None:
    study = loaded(SPLIT, tmp_path, "operators").studies[0]
    options = options_of(study.precision)
    assert options == {
        "fc.1": {"I": (3, 5), "W": (8,)},
        "fc.2": {"I": (3, 5), "W": (4,)},
        "last": {"I": (3, 5), "W": tuple(range(2, 9))},
    }
    module = build(study.network)
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    module.calibrate([x])
    found = sensitivity(module, [x], options)
    assert found["fc.2"]["I"] == {3: 0.0, 5: 0.0} and found["fc.2"]["W"][4] > 10 * found["fc.1"]["W"][8] > 0


def test_other_measures_are_refused(residual: tuple[QuantNetwork, Tensor]) -> None:
    with pytest.raises(ValueError, match="measures are"):
        sensitivity(*residual, OPTIONS, "entropy")
