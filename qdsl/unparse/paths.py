"""Layers by the parts of their names: `b.2.e` is made by `e` in the second instance of a block bound to `b`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from qdsl.model.network import Layer, Network
from qdsl.syntax import tree as t
from qdsl.unparse.nodes import name


def below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}.")


def grouped(layers: Iterable[Layer], prefix: str) -> dict[str, list[Layer]]:
    """By the next part of their names. Raises ValueError if layers of one part do not stand together."""
    depth = prefix.count(".") + 1 if prefix else 0
    found: dict[str, list[Layer]] = {}
    for part, group in groupby(layers, lambda x: ".".join(x.name.split(".")[depth : depth + 1])):
        if part in found:
            raise ValueError(f"the layers of `{f'{prefix}.{part}'.strip('.')}` do not stand together")
        found[part] = list(group)
    return found


@dataclass(frozen=True)
class Paths:
    """Where the activations of a network can be named, and how."""

    network: Network

    def read(self, prefix: str, layers: Iterable[Layer]) -> list[str]:
        """Activations from outside a prefix that layers below it read."""
        return list(dict.fromkeys(a for x in layers for _, a in x.inputs if not below(a, prefix)))

    def result(self, prefix: str) -> str:
        """The activation below a prefix that is read outside; its last one if none is. Raises ValueError for several."""
        layers = self.network.layers
        read = [a for x in layers if not below(x.name, prefix) for _, a in x.inputs]
        used = dict.fromkeys(a for a in (*read, *self.network.outputs) if below(a, prefix))
        if len(used) > 1:
            raise ValueError(f"several results of `{prefix}` are read outside of it: {', '.join(used)}")
        return next(iter(used), [x.name for x in layers if below(x.name, prefix)][-1])

    def at_top(self, activation: str) -> t.Expr:
        """What an activation is called outside of blocks."""
        key, *rest = activation.split(".")
        if rest:
            instances = grouped((x for x in self.network.layers if below(x.name, key)), key)
            self._check(activation, f"{key}.{len(instances)}" if rest[0].isdigit() else key)
        return name(key)

    def inside(self, activation: str, prefix: str, called: Mapping[str, str]) -> t.Expr:
        """What an activation is called in the block that makes the layers below a prefix. called: its names for those from
        outside."""
        if activation in called:
            return name(called[activation])
        key = activation.removeprefix(f"{prefix}.").split(".")[0]
        if activation != f"{prefix}.{key}":
            self._check(activation, f"{prefix}.{key}")
        return name(key)

    def _check(self, activation: str, prefix: str) -> None:
        """Raises ValueError unless the activation is what the block below the prefix stands for."""
        if not below(activation, prefix) or activation != self.result(prefix):
            raise ValueError(f"`{activation}` is inside a block and read outside of it")
