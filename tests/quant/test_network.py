"""Networks as modules: shapes, widths, seeds, batch normalisation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from qdsl.diagnostics import SpecError
from qdsl.model import load
from qdsl.quant import build
from qdsl.quant.network import whole_layers
from qdsl.resources import data_dir
from tests.quant.networks import DEPTHWISE, JOINED, RESIDUAL, loaded, shipped, uniform, written

SHIPPED = sorted(p.stem for p in (data_dir("specs") / "networks").glob("*.qdsl"))
LISTED = ("gpt2_small", "llama_8b")  # blocks given by the sizes of their layers


@pytest.mark.parametrize("name", LISTED)
def test_networks_that_only_list_sizes_are_refused(name: str) -> None:
    networks = load(data_dir("specs") / "networks" / f"{name}.qdsl").networks
    assert len(networks) == 3
    for network in networks:
        with pytest.raises(SpecError, match="Q0931"):
            build(network, device="meta")


@pytest.mark.parametrize("name", [n for n in SHIPPED if n not in LISTED])
def test_every_activation_of_a_shipped_network_has_the_shape_of_the_cost_model(name: str) -> None:
    network = shipped(name)
    module = build(network, device="meta").eval()
    given = next(a.shape for a in network.activations if a.producer is None)
    found = module.run(torch.empty(2, *given[1:], device="meta"))
    assert {n: (1, *x.shape[1:]) for n, x in found.items()} == {a.name: a.shape for a in network.activations}
    assert all(x.shape[0] == 2 for x in found.values())
    for layer in network.layers:
        for tensor in layer.problem.operator.weights:
            weight = module.layers[layer.name].weight
            assert weight is not None and weight.shape == layer.problem.shape(tensor)


def test_a_network_is_executed_as_written(tmp_path: Path) -> None:
    network = written(DEPTHWISE, tmp_path)
    module = build(network, seed=3)
    x = torch.randn(2, 3, 12, 8, generator=torch.Generator().manual_seed(1))
    f = torch.nn.functional
    w = {n: m.weight for n, m in module.layers.items()}
    stem = f.relu6(f.conv2d(x, w["stem"], stride=2, padding=1))  # type: ignore[arg-type]
    d = f.relu6(f.conv2d(stem, w["d"].unsqueeze(1), padding=1, groups=6))  # type: ignore[union-attr]
    p = f.conv2d(d, w["p"])  # type: ignore[arg-type]
    pool = f.max_pool2d(f.pad(p, (1, 1, 1, 1)), 3, 2)
    average = f.relu(f.avg_pool2d(pool, 2, 1))
    out = average.flatten(1) @ w["fc"].flatten(1).T  # type: ignore[union-attr]
    assert torch.allclose(module(x), out, atol=1e-5)


def test_a_concatenation_is_executed_and_has_one_grid(tmp_path: Path) -> None:
    network = written(JOINED, tmp_path)
    module = build(network, seed=3)
    x = torch.randn(2, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    f = torch.nn.functional
    w = {n: m.weight for n, m in module.layers.items()}

    def mixed(x: torch.Tensor, name: str) -> torch.Tensor:
        one = f.relu(f.conv2d(x, w[f"{name}.one"]))  # type: ignore[arg-type]
        return torch.cat([one, f.conv2d(x, w[f"{name}.three"], padding=1)], 1)  # type: ignore[arg-type]

    first = mixed(x, "m1")
    joined = torch.cat([first, mixed(first, "m2")], 1)
    assert torch.allclose(module(x), joined.mean((2, 3)) @ w["fc"].T, atol=1e-5)  # type: ignore[union-attr]
    module.set_widths(uniform(network, 8, 5))
    module.calibrate([x])
    grids = [module.grid(f"m{i}.{name}") for i in (1, 2) for name in ("one", "three")]
    assert all(g is grids[0] or g == grids[0] for g in grids)
    values = module.eval().run(x)
    joined = values["concat(concat(m1.one, m1.three), concat(m2.one, m2.three))"]
    assert joined.shape == (2, 14, 6, 6) and joined.min() < 0
    assert len(set(joined.flatten().tolist())) <= 2**5
    with pytest.raises(ValueError, match="would have"):
        module.set_widths({"m2.one": {"O": 4}, "m1.three": {"O": 5}})


def test_weights_follow_from_the_seed_alone(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    first = build(network, seed=1).state_dict()
    torch.rand(3)
    again, other = build(network, uniform(network, 8, 8), seed=1).state_dict(), build(network, seed=2).state_dict()
    weights = [n for n in first if n.endswith("weight")]
    assert all(torch.equal(first[n], again[n]) for n in weights)
    assert not any(torch.equal(first[n], other[n]) for n in weights)


def test_fewer_bits_leave_more_noise_and_other_widths_leave_the_weights(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    module = build(network).eval()
    x = torch.randn(8, 2, 9, 9, generator=torch.Generator().manual_seed(1))
    exact = module(x).detach()
    module.set_widths(uniform(network, 8, 8))
    module.calibrate([x])
    errors = []
    for bits in (12, 8, 6, 4, 2):
        module.set_widths(uniform(network, bits, bits))
        errors.append(float((module(x).detach() - exact).square().mean()))
    assert errors == sorted(errors) and errors[0] < 1e-4 * float(exact.square().mean())
    module.set_widths({})
    assert torch.equal(module(x), exact)


def test_an_activation_is_quantised_once_for_all_its_readers(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    module = build(network, {"a": {"I": 3}})
    assert {n for n, q in module.activations.items() if q.bits} == {"stem"}
    module.calibrate([torch.randn(4, 2, 9, 9, generator=torch.Generator().manual_seed(1))])
    assert len(set(module.eval().run(torch.ones(1, 2, 9, 9))["stem"].flatten().tolist())) <= 8
    with pytest.raises(ValueError, match="activation `stem` would have 3 and 4 bits"):
        module.set_widths({"a": {"I": 3}, "shortcut": {"I": 4}})


def test_ranges_must_be_known(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    with pytest.raises(ValueError, match="calibrate or train first"):
        build(network, uniform(network, 4, 4)).eval()(torch.ones(1, 2, 9, 9))


def test_channels_have_widths_of_their_own(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    module = build(network, {"stem": {"W": [0, 1, 2, 8]}})
    layer = module.layers["stem"]
    weight = layer.quantised_weight(layer.weight_grid())
    values = [len(set(channel.flatten().tolist())) for channel in weight]
    assert values[:2] == [1, 2] and values[2] in (3, 4) and values[3] > 8
    assert weight[0].abs().max() == 0
    with pytest.raises(ValueError, match="3 widths for 4 channels"):
        module.set_widths({"stem": {"W": [8, 8, 4]}})
    with pytest.raises(ValueError, match="0 to 16 bits"):
        module.set_widths({"stem": {"W": 17}})
    with pytest.raises(ValueError, match="no tensor `B`"):
        module.set_widths({"stem": {"B": 8}})


def test_batch_normalisation_folds_into_weights_and_bias(tmp_path: Path) -> None:
    network = written(DEPTHWISE, tmp_path)
    module = build(network, batch_norm=True).train()
    assert {n for n, x in module.layers.items() if x.norm is not None} == {"stem", "d", "p"}
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        module(torch.randn(8, 3, 12, 8, generator=generator) * 2 + 1)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=generator))
    x = torch.randn(4, 3, 12, 8, generator=generator)
    before = module.eval()(x)
    module.fold()
    assert all(layer.norm is None for layer in module.layers.values())
    assert torch.allclose(module(x), before, atol=1e-4)


def test_inputs_and_classes_of_another_size(tmp_path: Path) -> None:
    module = build(shipped("resnet8"), input_shape=(1, 8, 8), classes=7)
    assert module(torch.zeros(5, 1, 8, 8)).shape == (5, 7)
    assert module.network.layer("b3.b").problem.shape(module.network.layer("b3.b").problem.operator.output) == (
        1,
        64,
        2,
        2,
    )
    with pytest.raises(SpecError, match="Q0412"):
        build(shipped("alexnet"), input_shape=(3, 8, 8))


def test_layers_without_inputs_are_not_executable(tmp_path: Path) -> None:
    network = written("network n { layer fc = matmul(M = 1, N = 10, K = 64) }", tmp_path)
    with pytest.raises(SpecError, match=r"Q0931.*`fc` has sizes and no inputs"):
        build(network)


def test_groups_of_a_split_layer_are_one_layer_again(tmp_path: Path) -> None:
    text = """
        import "accelerators/eyeriss.qdsl"
        import "networks/resnet8.qdsl"
        study s {
          map resnet8 onto eyeriss
          precision {
            weights in {2..8} per layer
            activations in {2..8} per layer
            output 8 bit
            split b1.a: 4 at 8 bit, 12 at 4 bit
          }
          minimize energy
          search nsga2()
        }
        """
    study = loaded(text, tmp_path, "accelerators", "networks", "operators", "technologies").studies[0]
    assert whole_layers(study.network) == shipped("resnet8")
    bits = study.precision.layer_bits(tuple(v.options[-1] for v in study.precision.variables))
    module = build(study.network, bits)
    quantiser = module.layers["b1.a"].quantiser
    assert quantiser is not None and quantiser.bits == (8,) * 4 + (4,) * 12
    assert module.activations["stem"].bits == 8
