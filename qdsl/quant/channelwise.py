"""Mixed precision per output channel, found by gradients: one training per strength of the regulariser, each of which gives a
design; the designs of several strengths make a front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import cos, pi

import torch
import torch.nn.functional as F
from torch import Tensor

from qdsl.model.measured import Measured
from qdsl.quant.batches import batches, on_device, samples
from qdsl.quant.compact import Compact, compacted
from qdsl.quant.network import build, refuse_concatenations
from qdsl.quant.soft import Choices, Shares, SoftNetwork, Widths
from qdsl.quant.training import Trainer, Weights, error_of, quantisers, reproducible, set_weights, weights_of

Cost = Callable[[Shares], Tensor]

LOGIT_MOMENTUM = 0.9


@dataclass(frozen=True)
class SearchSettings:
    """epochs: of the search; `Accuracy.epochs` of fine-tuning follow. rate, decay: of Adam, for the weights. logit_rate: of
    stochastic gradient descent, for the logits, times the channels of a layer: so channels move as fast as layers, whose
    gradient is the sum of theirs. temperature: at first; last: at the end, falling by a factor per epoch. tuning_rate: of Adam
    in the fine-tuning, falling along half a cosine.

    Rate of the weights, decay and momentum are those of the published code (Risso et al., IGSC 2022; Motetti et al., 2024), and
    so is Adam in the fine-tuning: descent at the rate of a study, which suits float weights, undoes what the search trained.
    The temperature falls to exp(-22.5) there, over 500 epochs with a logit rate of 0.01; with a few epochs on small data that
    rate is too small to move a logit, so it is larger here and the temperature stays higher.
    """

    epochs: int = 8
    rate: float = 1e-3
    decay: float = 1e-4
    logit_rate: float = 0.2
    temperature: float = 1.0
    last: float = 0.1
    tuning_rate: float = 2e-3

    def at(self, epoch: int) -> float:
        """The temperature in an epoch, counted from 0."""
        fallen: float = (self.last / self.temperature) ** (epoch / max(1, self.epochs - 1))
        return self.temperature * fallen


@dataclass(frozen=True)
class Found:
    """A design. strength: of the regulariser. cost: by the regulariser, as a share of that of the widest widths. widths: of the
    network as it was; compact: what became of it, with the weights that the search left; measured: after fine-tuning it."""

    strength: float
    cost: float
    widths: Widths
    compact: Compact
    measured: Measured


def search(
    trainer: Trainer,
    weights: Weights,
    choices: Choices,
    cost: Cost,
    strength: float,
    settings: SearchSettings = SearchSettings(),
) -> Found:
    """One design: shares and weights are trained together to minimise the cross entropy plus strength x cost (relative to the
    widest widths), each channel gets its largest share, and the network is trained on with these widths. Ranges are found as
    the study says; in the search they are per channel and not learned.

    weights: of the trained float network. Raises SpecError (Q0931) for a network with concatenations.
    """
    refuse_concatenations(trainer.network)
    a = trainer.accuracy
    with reproducible(a.seed):
        fixed = quantisers(replace(a, learned="none", per="channel"))
        net = build(trainer.network, quantisers=fixed, seed=a.seed, device=trainer.device)
        set_weights(net, weights)
        net.calibrate(samples(trainer))
        soft = SoftNetwork(net, choices, settings.temperature)
        widest = float(cost(decided(soft, widest=True)))
        values = [p for n, p in net.named_parameters()]
        adam = torch.optim.Adam(values, lr=settings.rate, weight_decay=settings.decay)
        rates = [{"params": [x], "lr": settings.logit_rate * x.shape[1]} for x in soft.logits]
        descent = torch.optim.SGD(rates, momentum=LOGIT_MOMENTUM)
        for epoch in range(settings.epochs):
            soft.temperature = settings.at(epoch)
            soft.train()
            for x, labels in batches(trainer, epoch):
                shares = soft.shares()
                loss = F.cross_entropy(soft.run(shares, x), labels) + strength * cost(shares) / widest
                adam.zero_grad(set_to_none=True)
                descent.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
                descent.step()
        widths = soft.widths()
        share = float(cost(decided(soft))) / widest
        left = weights_of(net)
    compact = compacted(trainer.network, left, widths)
    return Found(strength, share, widths, compact, tuned(trainer, compact, settings))


def tuned(trainer: Trainer, compact: Compact, settings: SearchSettings) -> Measured:
    """The errors of a design after each epoch of fine-tuning, with the quantisers of the study."""
    a = trainer.accuracy
    with reproducible(a.seed):
        net = build(compact.network, quantisers=quantisers(a), device=trainer.device)
        set_weights(net, compact.weights)
        net.set_widths(compact.widths)
        net.calibrate(samples(trainer))
        adam = torch.optim.Adam(net.parameters(), lr=settings.tuning_rate)
        errors = []
        for epoch in range(a.epochs):
            net.train()
            adam.param_groups[0]["lr"] = settings.tuning_rate * (1 + cos(pi * epoch / a.epochs)) / 2
            for x, labels in batches(trainer, settings.epochs + epoch):
                adam.zero_grad(set_to_none=True)
                F.cross_entropy(net(x), labels).backward()  # type: ignore[no-untyped-call]
                adam.step()
            errors.append(error_of(net, on_device(trainer, trainer.data.validation)))
        return Measured(tuple(errors), error_of(net, on_device(trainer, trainer.data.test)))


def sweep(
    trainer: Trainer,
    weights: Weights,
    choices: Choices,
    cost: Cost,
    strengths: Sequence[float],
    settings: SearchSettings = SearchSettings(),
) -> list[Found]:
    """A design per strength."""
    return [search(trainer, weights, choices, cost, s, settings) for s in strengths]


def decided(soft: SoftNetwork, widest: bool = False) -> Shares:
    """Shares of 0 and 1: the largest ones, or those of the widest widths."""
    shares = soft.shares()

    def one_hot(x: Tensor) -> Tensor:
        chosen = torch.full(x.shape[1:], len(x) - 1, device=x.device) if widest else x.argmax(0)
        found = F.one_hot(chosen, len(x)).to(x)
        return found if x.dim() == 1 else found.T

    with torch.no_grad():
        return Shares(
            shares.choices,
            {n: one_hot(x) for n, x in shares.weights.items()},
            {n: one_hot(x) for n, x in shares.activations.items()},
        )
