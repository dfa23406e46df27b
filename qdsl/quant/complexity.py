"""What multiply-accumulates and memory accesses cost at a width, apart from any machine: the analytical model of the papers on
activation density (Vasquez et al., DATE 2021; Panda, 2020, arXiv 2004.11233: 45 nm)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from qdsl.model.network import Layer, Network
from qdsl.quant.soft import Widths

ACCESS_PJ_PER_BIT = 2.5
MAC_PJ_AT_32 = 3.1
MAC_PJ = 0.1
"""Energy of a value of k bits: 2.5 k pJ to read it, 3.1 k / 32 + 0.1 pJ to multiply it."""


def mac_pj(bits: int) -> float:
    """Of one multiply-accumulate."""
    return MAC_PJ_AT_32 * bits / 32 + MAC_PJ


def mac_cost(network: Network, widths: Widths) -> float:
    """Energy in pJ of all multiply-accumulates, each at the wider of its operands."""
    return sum(mac_pj(_bits(x, widths)) * x.problem.operations for x in network.layers if x.has_weights)


def analytic_energy(network: Network, widths: Widths) -> float:
    """In pJ: also an access of every input, without padding, and of every weight."""
    shapes = {a.name: a.shape for a in network.activations}
    total = mac_cost(network, widths)
    for x in network.layers:
        if x.has_weights:
            weights = x.problem.shape(x.problem.operator.weights[0])
            values = prod(weights) + sum(prod(shapes[a]) for _, a in x.inputs)
            total += ACCESS_PJ_PER_BIT * _bits(x, widths) * values
    return total


def _bits(layer: Layer, widths: Widths) -> int:
    found = widths[layer.name]
    return max(_widest(found[t.name]) for t in layer.problem.operator.inputs)


def _widest(bits: int | Sequence[int]) -> int:
    return bits if isinstance(bits, int) else max(bits)
