"""The four networks of MLPerf Tiny: bits per channel beside bits per layer, and designs of one core on the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.published.markdown import lines
from tests.published.solving import Solved, solved

NETWORKS = {
    "resnet8": "ResNet-8",
    "ds_cnn": "DS-CNN",
    "mobilenet_v1_025": "MobileNetV1 0.25",
    "autoencoder": "autoencoder",
}
ENERGY = {"minimize weight_memory": "minimize energy", "activations in {8}": "activations in {2, 4, 8}"}
Shares = list[float]


def section() -> str:
    return f"""## MLPerf Tiny on two cores

### Bits per channel and bits per layer

Every design of the exact front per layer beside the best one with four groups of channels per layer and no more
data-free noise ([resnet8_channels]({CHANNELS}), for each network): how much less it takes, median and most. Memory is
that of weights in 2, 4 or 8 bits beside activations of 8; energy is MPIC's, with activations in 2, 4 or 8 bits, too.

{lines(["", "designs per layer, per group", "memory", "designs per layer, per group", "energy"], _channels())}
By the data-free noise all channels of a layer count alike, so groups only fill the gaps between widths of layers.
Risso et al. (IGSC 2022), whose networks learn which channels need bits, report up to 63 % less memory and 27 % less
energy at equal accuracy.

### A network optimised for one core on the other

Every design of the exact front of cycles and noise on one core, run on the other ([resnet8_cores]({CORES}), for each
network; activations have 8 bits): how many more cycles than the best design of that core with no more noise, median
and most.

{lines(["", "for MPIC, on NE16", "for NE16, on MPIC", "designs for MPIC, for NE16"], _crossed())}
Time on NE16 does not depend on the bits of 1 x 1 and fully connected layers, so a search for it leaves these at 8
bits, and MPIC gains nothing there; a search for MPIC spends noise on them that NE16 gains nothing from. The
autoencoder has no other layers: all its designs take the same time on NE16, and only the one of 8 bits is on that
front.
"""


CHANNELS, CORES = (f"../../specs/studies/resnet8_{x}.qdsl" for x in ("channels", "cores"))


def _channels() -> Iterator[list[str]]:
    for network, name in NETWORKS.items():
        row = [name]
        for words in ({}, ENERGY):
            layers, groups = per_layer_and_group(network, words)
            less = saved(layers, groups)
            row += [f"{len(layers.front):,}, {len(groups.front):,}", _percent(less)]
        yield row


def per_layer_and_group(network: str, words: dict[str, str]) -> tuple[Solved, Solved]:
    studies = solved("resnet8_channels", {"resnet8": network, **words})
    return studies[f"{network}_layers"], studies[f"{network}_channels"]


def saved(layers: Solved, groups: Solved) -> Shares:
    """Of every design per layer, the share that groups save at no more noise."""
    values = layers.values(layers.front)
    return list(1 - groups.least_within(values[:, 1]) / values[:, 0])


def _percent(shares: Shares) -> str:
    """Median and most."""
    return ", ".join(f"{round(float(x), 3) + 0.0:.1%}" for x in (np.median(shares), max(shares)))


def _crossed() -> Iterator[list[str]]:
    for network, name in NETWORKS.items():
        mpic, ne16 = cores(network)
        cells = [_percent(x) for x in (excess(mpic, ne16), excess(ne16, mpic))]
        yield [name, *cells, f"{len(mpic.front):,}, {len(ne16.front):,}"]


def cores(network: str) -> tuple[Solved, Solved]:
    studies = solved("resnet8_cores", {"resnet8": network})
    return studies[f"{network}_mpic"], studies[f"{network}_ne16"]


def excess(found_for: Solved, run_on: Solved) -> Shares:
    """Of every design found for one core, its cycles on the other over the least there at no more noise, less 1."""
    values = run_on.values(found_for.front)
    return list(values[:, 0] / run_on.least_within(values[:, 1]) - 1)
