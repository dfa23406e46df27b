"""Which activations a network needs to keep while each of its layers runs."""

from __future__ import annotations

from math import prod

from qdsl.model.study import Study

Alive = tuple[tuple[int | None, int], ...]
"""(variable of its width or None for that of the network's outputs, number of values), one per activation."""


def live_activations(study: Study) -> tuple[tuple[str, Alive], ...]:
    """Per layer, in the order they run, what is alive: what it reads and writes, what was written (or is an input of the
    network) and is read later, and outputs of the network written so far. Networks of a set run apart from each other."""
    network = study.network
    assignment = {layer: dict(tensors) for layer, tensors in study.precision.assignment}
    width: dict[str, int | None] = {}
    owner: dict[str, str] = {}
    first: dict[str, int] = {a.name: 0 for a in network.activations if a.is_input}
    stays = dict.fromkeys((part for o in network.outputs for part in network.written(o)), len(network.layers))
    last: dict[str, int] = {}
    for i, layer in enumerate(network.layers):
        output = layer.problem.operator.output
        width[layer.output] = assignment[layer.name][output.name]
        owner[layer.output] = layer.network
        first.setdefault(layer.output, i)
        last[layer.output] = i
        for tensor, activation in ((t, part) for t, a in layer.inputs for part in network.written(a)):
            width[activation] = assignment[layer.name][tensor]
            owner[activation] = layer.network
            last[activation] = i
    last.update(stays)
    size = {a.name: prod(a.shape) for a in network.activations if not a.parts}
    out = []
    for i, layer in enumerate(network.layers):
        if layer.inputs:
            own = [a for a in size if owner.get(a) == layer.network]
            alive = tuple((width[a], size[a]) for a in own if first[a] <= i <= last[a])
        else:  # a layer without a graph is alone
            tensors = [t for t in layer.problem.operator.tensors if not t.is_weight]
            alive = tuple((assignment[layer.name][t.name], layer.problem.values(t)) for t in tensors)
        out.append((layer.name, alive))
    return tuple(out)
