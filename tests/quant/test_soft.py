"""Networks with shares of widths, and the searches that decide them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from qdsl.model.accuracy import Accuracy, DataSource
from qdsl.quant import build
from qdsl.quant.channelwise import SearchSettings, decided, search, tuned
from qdsl.quant.costs import SizeCost
from qdsl.quant.data import Data, Part, load
from qdsl.quant.soft import Choices, SoftNetwork, leaders
from qdsl.quant.training import Trainer
from tests.quant.networks import DEPTHWISE, RESIDUAL, written

TINY = """
network n {
  input image: 1 x 8 x 8
  a = conv2d(image, K = 4, R = 3, S = 3, stride = 2, pad = 1) relu
  b = conv2d(a, K = 6, R = 3, S = 3, stride = 2, pad = 1) relu
  fc = linear(mean(b), K = 10)
  output fc
}
"""


def soft_network(text: str, folder: Path, choices: Choices) -> tuple[SoftNetwork, torch.Tensor]:
    network = written(text, folder)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(6, *network.activations[0].shape[1:], generator=generator)
    net = build(network, seed=2)
    net.calibrate([x])
    soft = SoftNetwork(net, choices)
    with torch.no_grad():
        for logits in soft.logits:
            logits.copy_(torch.randn(logits.shape, generator=generator))
    return soft.eval(), x


@pytest.mark.parametrize("text", [TINY, RESIDUAL, DEPTHWISE])
@pytest.mark.parametrize("choices", [Choices(), Choices((0, 2, 8), (4, 8)), Choices((2, 4), (3, 6), "layer")])
def test_decided_shares_compute_what_the_quantised_network_does(text: str, choices: Choices, tmp_path: Path) -> None:
    soft, x = soft_network(text, tmp_path, choices)
    with torch.no_grad():
        found = soft.run(decided(soft), x)
        soft.net.set_widths(soft.widths())
        exact = soft.net(x)
    step = soft.net.activations[soft.net.network.outputs[0]].grid().scale  # biases are whole in the latter
    assert (found - exact).abs().max() <= 1.5 * step
    assert exact.abs().max() > 3 * step


def test_gradients_reach_every_share_and_weight(tmp_path: Path) -> None:
    soft, x = soft_network(RESIDUAL, tmp_path, Choices((0, 4, 8), (4, 8)))
    soft(x).square().sum().backward()
    for name, p in soft.named_parameters():
        assert p.grad is not None and bool(p.grad.abs().sum() > 0), name


def test_layers_share_one_choice_and_the_last_one_is_not_pruned(tmp_path: Path) -> None:
    soft, _ = soft_network(TINY, tmp_path, Choices((0, 4, 8), per="layer"))
    assert soft.weight_logits["a"].shape == (3, 1) and soft.weight_logits["fc"].shape == (2, 1)
    soft, _ = soft_network(TINY, tmp_path / "again", Choices((0, 4, 8)))
    assert soft.weight_logits["b"].shape == (3, 6)


def test_activations_that_are_added_have_one_width(tmp_path: Path) -> None:
    found = leaders(written(RESIDUAL, tmp_path))
    assert found["shortcut"] == found["b"] == found["sum"] == "sum"
    assert found["image"] == "image" and found["fc"] == "fc"


@pytest.mark.parametrize(
    "wrong", [{"weights": (4, 2)}, {"weights": (0,)}, {"activations": (0, 8)}, {"activations": ()}, {"per": "tensor"}]
)
def test_what_is_no_choice_is_refused(wrong: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match=r"widths of|per channel"):
        Choices(**wrong)  # type: ignore[arg-type]


def trainer_of(text: str, folder: Path) -> Trainer:
    accuracy = Accuracy("train", DataSource("digits"), epochs=1, float_epochs=2)
    data = load(accuracy.data, (1, 8, 8))

    def some(part: Part) -> Part:
        return Part(part.inputs[:256], part.labels[:256])

    small = Data(some(data.train), some(data.validation), some(data.test), data.classes)
    return Trainer(written(text, folder), accuracy, small)


def test_stronger_regularisers_find_smaller_designs_the_same_every_time(tmp_path: Path) -> None:
    trainer = trainer_of(TINY, tmp_path)
    weights = trainer.float_weights()
    settings = SearchSettings(epochs=3, logit_rate=1.0)
    cost = SizeCost(trainer.network)
    light, heavy, again = (
        search(trainer, weights, Choices((0, 2, 8)), cost, strength, settings) for strength in (0.01, 20.0, 20.0)
    )
    assert heavy.compact.size_bits < light.compact.size_bits
    assert heavy.widths == again.widths and heavy.measured == again.measured
    assert heavy.measured.test_error is not None
    rows = [w["W"] for w in heavy.widths.values() if "W" in w]
    assert {b for row in rows if isinstance(row, list) for b in row} <= {0, 2, 8}


def test_batch_normalisation_must_be_folded(tmp_path: Path) -> None:
    net = build(written(TINY, tmp_path), batch_norm=True)
    with pytest.raises(ValueError, match="fold"):
        SoftNetwork(net, Choices())


def test_the_temperature_falls_to_the_last_one() -> None:
    settings = SearchSettings(epochs=5, temperature=2.0, last=0.1)
    assert [settings.at(e) for e in (0, 4)] == pytest.approx([2.0, 0.1])
    assert settings.at(1) > settings.at(2)
    assert replace(settings, epochs=1).at(0) == 2.0


@pytest.mark.parametrize("settings", [{"learned": "lsq"}, {"learned": "lsq", "ranges": "mse"}, {"per": "tensor"}])
def test_the_fine_tuning_starts_where_the_search_ended(settings: dict[str, str], tmp_path: Path) -> None:
    trainer = trainer_of(TINY, tmp_path)
    weights = trainer.float_weights()
    accuracy = replace(trainer.accuracy, **settings)  # type: ignore[arg-type]
    still = SearchSettings(epochs=2, tuning_rate=0.0)
    found = search(replace(trainer, accuracy=accuracy), weights, Choices((4, 8)), SizeCost(trainer.network), 1.0, still)
    fixed = replace(trainer, accuracy=replace(accuracy, learned="none", per="channel"))
    assert found.measured.error == pytest.approx(tuned(fixed, found.compact, still).error, abs=5.0)
    better = tuned(
        replace(fixed, accuracy=replace(fixed.accuracy, epochs=4)), found.compact, replace(still, tuning_rate=5e-3)
    )
    assert len(better.errors) == 4 and better.error < found.measured.error
