"""Training and measuring on a network so small that it takes tenths of a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qdsl.diagnostics import SpecError
from qdsl.model import load
from qdsl.model.accuracy import Accuracy, DataSource
from qdsl.model.network import Network
from qdsl.quant.checkpoint import load_weights, save_weights
from qdsl.quant.data import Data, divided
from qdsl.quant.training import Trainer, error_of, quantisers

SPEC = """
operator linear {
  dims N, K, C
  weights W
  O[n, k] += I[n, c] * W[k, c]
}
network two {
  input x: 6
  a = linear(x, K = 8) relu
  b = linear(a, K = 3)
  output b
}
"""
TRAIN = Accuracy(
    "train", DataSource("digits"), epochs=2, rate=0.05, float_epochs=10, float_rate=0.3, batch=32, samples=64
)
CALIBRATE = replace(TRAIN, method="calibrate")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    path = tmp_path_factory.mktemp("training") / "two.qdsl"
    path.write_text(SPEC, encoding="utf-8")
    return load(path).networks[0]


@pytest.fixture(scope="module")
def data() -> Data:
    """Three classes: which of three pairs of values has the largest product."""
    inputs = np.random.default_rng(1).normal(size=(500, 6)).astype(np.float32)
    return divided(inputs, (inputs[:, :3] * inputs[:, 3:]).argmax(1).astype(np.int64), 3)


@pytest.fixture(scope="module")
def weights(network: Network, data: Data) -> dict[str, torch.Tensor]:
    return Trainer(network, TRAIN, data).float_weights()


def widths(network: Network, bits: int) -> dict[str, dict[str, int]]:
    return {x.name: {t.name: bits for t in x.problem.operator.tensors} for x in network.layers}


def test_the_float_network_learns_and_is_the_same_every_time(
    network: Network, data: Data, weights: dict[str, torch.Tensor]
) -> None:
    trainer = Trainer(network, TRAIN, data)
    untrained = Trainer(network, replace(TRAIN, float_epochs=0), data)
    error = trainer.measure(weights, None).error
    assert error < 45 < untrained.measure(untrained.float_weights(), None).error
    again = trainer.float_weights()
    assert all(torch.equal(again[name], weights[name]) for name in weights)
    other = Trainer(network, replace(TRAIN, seed=2), data).float_weights()
    assert not torch.equal(other["a.weight"], weights["a.weight"])


def test_a_design_is_trained_from_the_float_weights(
    network: Network, data: Data, weights: dict[str, torch.Tensor]
) -> None:
    trainer = Trainer(network, TRAIN, data)
    wide, narrow = (trainer.measure(weights, widths(network, bits)) for bits in (8, 1))
    assert len(wide.errors) == len(narrow.errors) == 2
    assert abs(wide.error - trainer.measure(weights, None).error) < 10 < narrow.error - wide.error
    assert wide.test_error is not None and abs(wide.test_error - wide.error) < 15
    assert trainer.measure(weights, widths(network, 1)) == narrow


def test_calibration_trains_nothing(network: Network, data: Data, weights: dict[str, torch.Tensor]) -> None:
    trainer = Trainer(network, CALIBRATE, data)
    found = [trainer.measure(weights, widths(network, bits)) for bits in (16, 2)]
    assert [len(x.errors) for x in found] == [1, 1]
    assert found[0].error == pytest.approx(trainer.measure(weights, None).error, abs=1)
    assert found[1].error > found[0].error


def test_a_training_ends_early_where_its_design_is_of_no_use(
    network: Network, data: Data, weights: dict[str, torch.Tensor]
) -> None:
    trainer = Trainer(network, TRAIN, data)
    whole = trainer.measure(weights, widths(network, 2))
    early = trainer.measure(weights, widths(network, 2), bound=0)
    assert early.errors == whole.errors[:1] and early.test_error is None
    assert trainer.measure(weights, widths(network, 2), bound=100) == whole
    patient = Trainer(network, replace(TRAIN, stop=1.0), data)
    assert patient.measure(weights, widths(network, 2), bound=0) == whole


@pytest.mark.parametrize(
    ("learned", "of_weights", "of_activations"), [("none", "", ""), ("lsq", "lsq", "lsq"), ("pact", "", "pact")]
)
def test_quantisers_are_those_of_the_study(learned: str, of_weights: str, of_activations: str) -> None:
    found = quantisers(replace(TRAIN, learned=learned, ranges="mse", per="tensor"))
    assert (found.weights.learned, found.activations.learned) == (of_weights, of_activations)
    assert found.weights.ranges == found.activations.ranges == "mse" and not found.weights.per_channel


def test_the_error_is_the_share_of_wrong_answers() -> None:
    class Always(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.one_hot(torch.zeros(len(x), dtype=torch.int64), 3).float()

    labels = torch.tensor([0] * 700 + [2] * 100)
    assert error_of(Always(), (torch.zeros(800, 6), labels)) == 12.5


def test_weights_come_back_from_their_file(tmp_path: Path, network: Network, weights: dict[str, torch.Tensor]) -> None:
    save_weights(weights, tmp_path / "w.pt")
    assert [p.name for p in tmp_path.iterdir()] == ["w.pt"]
    found = load_weights(tmp_path / "w.pt", network)
    assert set(found) == {"a.weight", "a.bias", "b.weight", "b.bias"}
    assert all(torch.equal(found[name], weights[name]) for name in found)


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("harm"),)  # type: ignore[return-value]


def test_files_that_are_no_weights_of_the_network_are_told(
    tmp_path: Path, network: Network, weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.pt"

    def finding() -> str:
        with pytest.raises(SpecError) as caught:
            load_weights(path, network)
        assert caught.value.diagnostics[0].code == "Q0932"
        return caught.value.diagnostics[0].message

    assert "No such file" in finding()
    path.write_bytes(b"no tensors")
    assert "no file of tensors" in finding()
    torch.save([1], path)
    assert "it holds a list" in finding()
    torch.save({**weights, "a.bias": None}, path)
    assert "it has no `a.bias`" in finding()
    torch.save({**weights, "a.weight": torch.zeros(8, 5)}, path)
    assert "`a.weight` has the shape 8 x 5, and the network needs 8 x 6" in finding()
    monkeypatch.chdir(tmp_path)
    torch.save({"a.weight": Harmful()}, path)
    assert "no file of tensors" in finding() and not Path("harm").exists()
