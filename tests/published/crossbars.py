"""What widths save in memory: the platform of Vasquez et al., their analytical model and crossbars from their parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.published.markdown import lines
from tests.published.solving import Solved, solved

NETWORKS = {"vgg19": "VGG-19", "resnet18": "ResNet-18"}
MODELS = {"platform": "platform", "analytical": "analytical model", "crossbar": "crossbars from their parts"}
PUBLISHED = {"vgg19": 5.12, "resnet18": 4.81}
"""How many times less than at 16 bits the mixed widths of Vasquez et al. take on the platform; from memory."""
Models = dict[str, Solved]


def models_of(network: str) -> Models:
    studies = solved(f"{network}_crossbar")
    return {model: studies[f"{network}_{model}"] for model in MODELS}


def section(every: dict[str, Models]) -> str:
    mixed = ["network, widths chosen by", *(f"saved, {m}" for m in MODELS.values()), "noise", "at 2 / 4 / 8 / 16 bits"]
    return f"""## In memory

VGG-19 and ResNet-18 for CIFAR ([studies](../../specs/studies/resnet18_crossbar.qdsl)), all layers, weights and
activations of one width, uJ. On the platform VGG-19 is published to take 110.154 uJ at 16 bits. Our ResNet-18 has
555,468,800 multiply-accumulates; that of Vasquez et al. is not described closely enough to compare uJ.

{lines(["", *MODELS.values()], _uniform(every))}
The mixed widths of Vasquez et al., found by the density of activations, save 5.12 times (VGG-19) and 4.81 times
(ResNet-18) on their platform; both figures are from memory, "about 5" is in the abstract. The widths are not known to
us. Below are those of the least data-free noise that save as much by each model, from its exact front, and what the
other models say of the same widths.

{lines(mixed, _mixed(every))}
The platform charges by the wider operand of a product and the crossbars by both; the analytical model charges mostly
for accesses, which shrink with the width alone. So 5 times less takes 8 bits nearly everywhere on the platform, and 2
to 4 bits by the analytical model, which sees less than half of what the same widths save on the platform. Vasquez et
al. write that their analytical estimates are 5 to 7 times too optimistic; with the constants of both models as given
here equal widths show the opposite.
"""


def _uniform(every: dict[str, Models]) -> Iterator[list[str]]:
    for network, models in every.items():
        costs = [m.values(m.uniform)[::-1, 0] / 1e6 for m in models.values()]
        for bits, row in zip((16, 8, 4, 2), zip(*costs, strict=True), strict=True):
            yield [f"{NETWORKS[network]}, {bits} bits", *(f"{x:,.2f}" for x in row)]


def _mixed(every: dict[str, Models]) -> Iterator[list[str]]:
    for network, models in every.items():
        widest = {name: float(m.values(m.uniform[-1:])[0, 0]) for name, m in models.items()}
        for name, model in models.items():
            values = model.values(model.front)
            saving = np.flatnonzero(values[:, 0] <= widest[name] / PUBLISHED[network])
            best = saving[np.argmin(values[saving, 1])]
            design = model.front[best : best + 1]
            counts = np.bincount(model.evaluator.widths(design)[0], minlength=17)[[2, 4, 8, 16]]
            yield [
                f"{NETWORKS[network]}, {MODELS[name]}",
                *(f"{widest[other] / m.values(design)[0, 0]:.2f}" for other, m in models.items()),
                f"{values[best, 1]:.1f} dB",
                " / ".join(map(str, counts)),
            ]
