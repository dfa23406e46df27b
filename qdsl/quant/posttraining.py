"""What can be done about quantisation without training: biases that take back the mean error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from qdsl.quant.network import QuantNetwork


@contextmanager
def unquantised(module: QuantNetwork) -> Iterator[None]:
    """The module evaluated in floating point for a while; its widths, ranges and learned steps come back."""
    weights = [(x.quantiser, x.quantiser.bits) for x in module.layers.values() if x.quantiser is not None]
    activations = [(q, q.bits) for q in module.activations.values()]
    state = {name: x.clone() for name, x in module.state_dict().items()}
    training = module.training
    module.eval()
    module.set_widths({})
    try:
        yield
    finally:
        for weight, widths in weights:
            weight.bits = widths
        for activation, bits in activations:
            activation.bits = bits
        module.load_state_dict(state)
        module.train(training)


@torch.no_grad()
def correct_biases(module: QuantNetwork, batches: Iterable[Tensor]) -> None:
    """Moves every bias so that the channels of each layer have the mean that they have without quantisation, over the
    batches, layer after layer with what precedes already corrected (Nagel et al., ICCV 2019, arXiv 1906.04721, appendix D).

    Needs ranges, and batch normalisation that is folded; raises ValueError where it is not.
    """
    if any(x.norm is not None for x in module.layers.values()):
        raise ValueError("fold the batch normalisation before biases are corrected")
    x = torch.cat(list(batches))
    training = module.training
    module.eval()
    with unquantised(module):
        exact = module.run(x)
        wanted = {n: _means(module, n, exact) for n in module.layers}
    values = {n: module.activations[n](x) for n in module.inputs}
    for name, layer in module.layers.items():
        if layer.bias is not None:
            layer.bias.add_(wanted[name] - _means(module, name, values))
        module.resume(values, [name])
    module.train(training)


def _means(module: QuantNetwork, name: str, values: dict[str, Tensor]) -> Tensor:
    """Per output channel, before the activation function."""
    layer = module.layers[name]
    if layer.bias is None or layer.axes is None:
        return torch.zeros(())
    found = layer.linear(*module.reads(name, values))
    return found.mean([i for i in range(found.dim()) if i != layer.axes[1]])
