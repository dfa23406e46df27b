"""Networks as declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from qdsl.model.network import Activation, Layer, Network
from qdsl.model.operator import Operator, Problem
from qdsl.syntax import tree as t
from qdsl.unparse.blocks import Blocks
from qdsl.unparse.layers import Calls
from qdsl.unparse.nodes import NOWHERE, ident, number
from qdsl.unparse.paths import Paths, grouped
from qdsl.unparse.repeats import repeat


def network_decl(network: Network, arguments: Mapping[Operator, Mapping[str, int]]) -> t.NetworkDecl:
    """arguments: the parameters of every operator. Raises ValueError for a network that cannot be written."""
    blocks = Blocks(Paths(network), Calls.of(network, arguments))
    items = list(_items(network, blocks))
    outputs = (t.OutputStmt(span=NOWHERE, value=blocks.paths.at_top(a)) for a in network.outputs)
    batches = {a.shape[0] for a in network.activations if a.is_input}
    if len(batches) > 1:
        raise ValueError(f"the inputs of `{network.name}` have different batches")
    batch = (t.BatchStmt(span=NOWHERE, value=number(n)) for n in batches if n != 1)
    return t.NetworkDecl(
        span=NOWHERE, name=ident(network.name), items=(*batch, *blocks.made.values(), *items, *outputs)
    )


def whole(network: Network) -> Network:
    """The network before a study split some of its layers."""
    layers: dict[str, Layer] = {}
    for layer in network.layers:
        layers.setdefault(layer.output, _whole(layer))
    return replace(network, layers=tuple(layers.values()))


def _whole(layer: Layer) -> Layer:
    if layer.group is None:
        return layer
    group, operator = layer.group, layer.problem.operator
    sizes = tuple(group.channels if d == group.dim else layer.problem.size(d) for d in operator.dims)
    return replace(layer, name=group.layer, problem=Problem(operator, sizes), group=None)


def _items(network: Network, blocks: Blocks) -> Iterator[t.InputStmt | t.Binding | t.LayerStmt]:
    """Inputs stand where they do among the activations."""
    place = {a.name: i for i, a in enumerate(network.activations)}
    inputs = [a for a in network.activations if a.is_input]
    for key, layers in grouped(network.layers, "").items():
        first = place.get(layers[0].name, -1)
        while inputs and place[inputs[0].name] < first:
            yield _input(inputs.pop(0))
        yield _group(key, layers, blocks)
    yield from map(_input, inputs)


def _input(activation: Activation) -> t.InputStmt:
    sizes = tuple(map(number, activation.shape[1:]))
    return t.InputStmt(span=NOWHERE, name=ident(activation.name), shape=sizes)


def _group(key: str, layers: list[Layer], blocks: Blocks) -> t.Binding | t.LayerStmt:
    """The layers whose names begin with one part."""
    if layers[0].name != key:
        if layers[0].name.split(".")[1].isdigit():
            return repeat(key, layers, blocks)
        return t.Binding(span=NOWHERE, name=ident(key), value=blocks.instance(key, layers, blocks.paths.at_top))
    made = blocks.calls.call(layers[0], blocks.paths.at_top)
    if layers[0].inputs:
        return t.Binding(span=NOWHERE, name=ident(key), value=made)
    return t.LayerStmt(span=NOWHERE, name=ident(key), call=made)
