"""Layers with numbered names: a `repeat` of an operator or of a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qdsl.model.network import Layer
from qdsl.syntax import tree as t
from qdsl.unparse.blocks import Blocks, fresh
from qdsl.unparse.instances import Case, Choice, merged_order
from qdsl.unparse.nodes import NOWHERE, call, ident, name, number
from qdsl.unparse.paths import grouped


@dataclass(frozen=True)
class _Instance:
    """chained: the activation that takes the place of the first argument. result: what the instance stands for."""

    prefix: str
    layers: list[Layer]
    chained: str
    result: str


def repeat(key: str, layers: list[Layer], blocks: Blocks) -> t.Binding:
    """`repeat 3 as b = ...` for the layers of `b.1`, `b.2` and `b.3`. Raises ValueError if no `repeat` makes them."""
    numbered = grouped(layers, key)
    if list(numbered) != [str(i) for i in range(1, len(numbered) + 1)]:
        raise ValueError(f"the instances of `{key}` are not numbered from 1")
    results = [blocks.paths.result(f"{key}.{i}") for i in numbered]
    chained = [_first(key, list(numbered.values()), results[0], blocks), *results[:-1]]
    parts = zip(numbered.items(), chained, results, strict=True)
    instances = [_Instance(f"{key}.{i}", inside, before, result) for (i, inside), before, result in parts]
    single = layers[0].name == instances[0].prefix
    value = _layers(key, instances, blocks) if single else _blocks(key, instances, blocks)
    return t.Binding(span=NOWHERE, name=ident(key), value=value, count=number(len(instances)))


def _first(key: str, instances: Sequence[list[Layer]], result: str, blocks: Blocks) -> str:
    """What the first instance reads where the second one reads the result of the first."""
    read = blocks.paths.read(f"{key}.1", instances[0])
    if not read:
        raise ValueError(f"`{key}.1` reads nothing from outside")
    twins = {x.name.removeprefix(f"{key}.1"): x for x in instances[0]}
    for layer in instances[1] if len(instances) > 1 else ():
        twin = twins.get(layer.name.removeprefix(f"{key}.2"))
        for (_, activation), (_, before) in zip(layer.inputs, twin.inputs if twin else (), strict=False):
            if activation == result and before in read:
                return before
    return read[0]


def _layers(key: str, instances: Sequence[_Instance], blocks: Blocks) -> t.Call:
    """Of an operator. Other arguments than the first may change after the first time."""
    first = blocks.calls.call(instances[0].layers[0], blocks.paths.at_top)
    chain = first.arguments[0].value
    calls = [first]
    for i in instances[1:]:

        def reference(activation: str, chained: str = i.chained) -> t.Expr:
            return chain if activation == chained else blocks.paths.at_top(activation)

        calls.append(blocks.calls.call(i.layers[0], reference))
    if any(i.layers[0].inputs[0][1] != i.chained for i in instances) or len({_form(c) for c in calls}) > 1:
        raise ValueError(f"the layers of `{key}` are not a chain of one operator")
    if len({c.arguments for c in calls[1:]}) > 1:
        raise ValueError(f"the layers of `{key}` differ in more than their first one")
    pairs = zip(first.arguments, calls[-1].arguments, strict=True)
    return replace(first, arguments=tuple(replace(a, value=_then(a.value, b.value)) for a, b in pairs))


def _form(c: t.Call) -> object:
    return c.function, c.activation, tuple(a.name for a in c.arguments)


def _then(first: t.Expr, rest: t.Expr) -> t.Expr:
    return first if first == rest else t.Then(span=NOWHERE, first=first, rest=rest)


def _blocks(key: str, instances: Sequence[_Instance], blocks: Blocks) -> t.Call:
    """Of a block whose statements ask which instance they are in, where instances differ."""
    names = fresh({part for i in instances for part in grouped(i.layers, i.prefix)})
    chain, first = next(names), next(names)
    others = [a for i in instances for a in blocks.paths.read(i.prefix, i.layers) if a != i.chained]
    parameters = {a: next(names) for a in dict.fromkeys(others)}
    made = [blocks.body(i.prefix, i.layers, {**parameters, i.chained: chain}) for i in instances]
    cases = [Case(n == 0, blocks.calls.activations[i.chained].shape) for n, i in enumerate(instances)]
    choice = Choice(chain, first)

    def chosen(values: Sequence[t.Expr]) -> t.Expr:
        return choice.between(list(zip(cases, values, strict=True)))

    # what an instance does not bind stands for its argument there, and nothing asks for it
    body = {n: chosen([b.get(n, name(chain)) for b, _ in made]) for n in merged_order([b for b, _ in made])}
    result = chosen([r for _, r in made])
    asks = any(choice.asked_in(e) for e in (*body.values(), result))
    extra = {first: t.Then(span=NOWHERE, first=number(1), rest=number(0))} if asks else {}
    block = blocks.declare(key, [chain, *parameters.values(), *extra], body, result)
    return call(block, map(blocks.paths.at_top, [instances[0].chained, *parameters]), extra)
