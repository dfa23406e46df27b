"""How much each tensor's width harms a trained network: one quantised at a time, so that the terms of a design add up.

An additive model of the error, not the error: what two tensors do to each other is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from qdsl.model.precision import PrecisionSpace
from qdsl.quant.grid import WIDEST
from qdsl.quant.network import QuantNetwork, Widths
from qdsl.quant.posttraining import unquantised

MEASURES = ("sqnr", "kl", "hessian")
PROBES = 16

Options = Mapping[str, Mapping[str, Iterable[int]]]
"""Layer -> tensor -> widths."""
Sensitivity = Mapping[str, Mapping[str, Mapping[int, float]]]
"""Layer -> tensor -> width -> error."""


def sensitivity(
    module: QuantNetwork, batches: Iterable[Tensor], options: Options, measure: str = "sqnr", seed: int = 0
) -> Sensitivity:
    """The error at the output when one tensor alone is quantised, for all its widths. An activation counts where it
    is read first; later readers get 0.

    measure: 'sqnr', power of the noise by that of the signal; 'kl', divergence of the class probabilities, in nats;
    'hessian', half the mean curvature of that divergence, as Hutchinson's method estimates it with random signs, times the
    squared error (Dong et al., HAWQ-V2, NeurIPS 2020, arXiv 1911.03852). module: calibrated; it is left as it was. seed: of
    the signs. Raises ValueError for another measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"measures are {MEASURES}")
    x = torch.cat(list(batches))
    asked = _asked(module, options)
    with unquantised(module):
        if measure == "hessian":
            return _filled(options, _by_curvature(module, x, asked, seed))
        with torch.no_grad():
            exact = module.run(x)
            module.joined(module.network.outputs[0], exact)
            return _filled(options, [_by_output(module, exact, tensor, _ERRORS[measure]) for tensor in asked])


def options_of(precision: PrecisionSpace) -> Options:
    """What a study may choose for the weights and inputs of its layers with weights."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for layer, tensors in precision.assignment:
        for tensor, i in tensors:
            if i is not None and layer in precision.variables[i].layers:
                found.setdefault(layer, {})[tensor] = precision.variables[i].options
    return found


@dataclass(frozen=True)
class Asked:
    """One tensor of a layer. activations: if it is one, all that are stored as one with it, without concatenations; start:
    the first layer that its width changes."""

    layer: str
    tensor: str
    widths: tuple[int, ...]
    activations: tuple[str, ...]
    start: str


def _asked(module: QuantNetwork, options: Options) -> list[Asked]:
    """Each tensor once."""
    found: list[Asked] = []
    seen: set[str] = set()
    for name, tensors in options.items():
        whole = module.groups[name][0] if name in module.groups else name
        layer = module.layers[whole].layer
        for tensor, widths in tensors.items():
            together: tuple[str, ...] = ()
            if not layer.problem.operator.tensor(tensor).is_weight:
                together = _together(module, dict(layer.inputs).get(tensor, whole))
            if not seen.intersection(together):
                found.append(Asked(name, tensor, tuple(widths), together, whole))
            seen.update(together)
    return found


def _together(module: QuantNetwork, activation: str) -> tuple[str, ...]:
    network, stored = module.network, module.stored_as
    return tuple(a.name for a in network.activations if not a.parts and stored[a.name] == stored[activation])


def _by_output(
    module: QuantNetwork, exact: Mapping[str, Tensor], asked: Asked, error: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Asked, dict[int, float]]:
    output = module.network.outputs[0]
    after = _readers(module, asked)
    found = {}
    for bits in asked.widths:
        values = dict(exact)
        module.set_widths(_alone(module, asked, bits))
        values.update({a: module.activations[a](values[a]) for a in asked.activations})
        module.resume(values, after)
        found[bits] = float(error(exact[output], module.joined(output, values)))
    module.set_widths({})
    return asked, found


def _readers(module: QuantNetwork, asked: Asked) -> list[str]:
    """Layers to execute again: those that the tensor reaches, in order."""
    changed = set(asked.activations)
    found = []
    for name, layer in module.layers.items():
        reads = {part for _, a in layer.layer.inputs for part in module.network.written(a)}
        if changed & reads or (not asked.activations and name == asked.start):
            changed.add(name)
            found.append(name)
    return found


def _alone(module: QuantNetwork, asked: Asked, bits: int) -> Widths:
    """Widths that quantise the one tensor; other groups of its layer as little as can be."""
    mine = {asked.layer: {asked.tensor: bits}}
    if asked.activations or asked.layer not in module.groups:
        return mine
    others = [n for n, (whole, _) in module.groups.items() if whole == asked.start]
    return {n: mine.get(n, {asked.tensor: WIDEST}) for n in others}


def _noise_to_signal(exact: Tensor, found: Tensor) -> Tensor:
    return (found - exact).square().sum() / exact.square().sum()


def _divergence(exact: Tensor, found: Tensor) -> Tensor:
    return F.kl_div(F.log_softmax(found, 1), F.log_softmax(exact, 1), log_target=True, reduction="batchmean")


_ERRORS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"sqnr": _noise_to_signal, "kl": _divergence}


def _by_curvature(
    module: QuantNetwork, x: Tensor, asked: list[Asked], seed: int
) -> list[tuple[Asked, dict[int, float]]]:
    values = module.run(x.detach().requires_grad_())
    pairs = [(a, name, tensor) for a in asked for name, tensor in _tensors(module, values, a)]
    tensors = [tensor for _, _, tensor in pairs]
    output = module.joined(module.network.outputs[0], values)
    loss = _divergence(output.detach(), output)
    slopes = torch.autograd.grad(loss, tensors, create_graph=True)
    generator = torch.Generator().manual_seed(seed)
    traces = [0.0] * len(pairs)
    for i, (tensor, slope) in enumerate(zip(tensors, slopes, strict=True)):
        for _ in range(PROBES):
            signs = (torch.randint(0, 2, tensor.shape, generator=generator) * 2 - 1).to(tensor)
            (bent,) = torch.autograd.grad(slope, tensor, signs, retain_graph=True)
            traces[i] += float((signs * bent).sum()) / PROBES
    errors = [dict.fromkeys(a.widths, 0.0) for a in asked]
    with torch.no_grad():
        for (a, name, tensor), trace in zip(pairs, traces, strict=True):
            found = errors[asked.index(a)]
            for bits in found:
                squared = _squared_error(module, a, name, tensor, bits)
                found[bits] += 0.5 * max(0.0, trace) / tensor.numel() * squared
    return list(zip(asked, errors, strict=True))


def _tensors(module: QuantNetwork, values: Mapping[str, Tensor], asked: Asked) -> list[tuple[str, Tensor]]:
    """Activations with their names, or the weights."""
    if asked.activations:
        return [(a, values[a]) for a in asked.activations]
    weight = module.layers[asked.start].weight
    assert weight is not None
    return [("", weight)]


def _squared_error(module: QuantNetwork, asked: Asked, activation: str, tensor: Tensor, bits: int) -> float:
    module.set_widths(_alone(module, asked, bits))
    layer = module.layers[asked.start]
    found = module.activations[activation](tensor) if activation else layer.quantised_weight(layer.weight_grid())
    module.set_widths({})
    return float((found - tensor).square().sum())


def _filled(options: Options, found: list[tuple[Asked, dict[int, float]]]) -> Sensitivity:
    """With 0 for activations that count elsewhere."""
    errors = {(a.layer, a.tensor): e for a, e in found}
    return {
        layer: {t: errors.get((layer, t), dict.fromkeys(widths, 0.0)) for t, widths in tensors.items()}
        for layer, tensors in options.items()
    }
