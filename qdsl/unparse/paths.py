"""Layers by the parts of their names: `b.2.e` is made by `e` in the second instance of a block bound to `b`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from qdsl.model.graph import CONCAT
from qdsl.model.network import Layer, Network
from qdsl.syntax import tree as t
from qdsl.unparse.nodes import call, name


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
        read = (a for x in layers for _, joined in x.inputs for a in self._seen(joined, prefix))
        return list(dict.fromkeys(a for a in read if not self._within(a, prefix)))

    def result(self, prefix: str) -> str:
        """The activation below a prefix that is read outside; its last one if none is. Raises ValueError for several."""
        layers = self.network.layers
        read = [a for x in layers if not below(x.name, prefix) for _, a in x.inputs]
        seen = (a for joined in (*read, *self.network.outputs) for a in self._seen(joined, prefix))
        used = dict.fromkeys(a for a in seen if self._within(a, prefix))
        if not used:
            return [x.name for x in layers if below(x.name, prefix)][-1]
        for found in (*used, *(part for a in used for part in self._nested(a))):
            if all(self._made_of(a, found) for a in used):
                return found
        raise ValueError(f"several results of `{prefix}` are read outside of it: {', '.join(used)}")

    def at_top(self, activation: str) -> t.Expr:
        """What an activation is called outside of blocks."""
        key, *rest = self.network.written(activation)[0].split(".")
        prefix = key
        if rest and rest[0].isdigit():
            prefix = f"{key}.{len(grouped((x for x in self.network.layers if below(x.name, key)), key))}"
        return self._called(activation, key, prefix, self.at_top)

    def inside(self, activation: str, prefix: str, called: Mapping[str, str]) -> t.Expr:
        """What an activation is called in the block that makes the layers below a prefix. called: its names for those from
        outside."""
        if activation in called:
            return name(called[activation])
        key = self.network.written(activation)[0].removeprefix(f"{prefix}.").split(".")[0]
        return self._called(activation, key, f"{prefix}.{key}", lambda part: self.inside(part, prefix, called))

    def _called(self, activation: str, key: str, prefix: str, part: Callable[[str], t.Expr]) -> t.Expr:
        """`key` if it stands for the activation: a layer, or a block below the prefix. part: names one of a concatenation.
        Raises ValueError for what is inside a block and not its result."""
        block = self._within(activation, prefix) and any(x.name.startswith(f"{prefix}.") for x in self.network.layers)
        stands = activation == prefix or (block and activation == self.result(prefix))
        if not stands and (parts := self.network.parts(activation)):
            return call(CONCAT, map(part, parts))
        if not stands and "." in activation:
            raise ValueError(f"`{activation}` is inside a block and read outside of it")
        return name(key)

    def _nested(self, activation: str) -> Iterator[str]:
        for part in self.network.parts(activation):
            yield part
            yield from self._nested(part)

    def _made_of(self, activation: str, part: str) -> bool:
        """Whether it is the part, or joins nothing else."""
        parts = self.network.parts(activation)
        return activation == part or (bool(parts) and all(self._made_of(p, part) for p in parts))

    def _within(self, activation: str, prefix: str) -> bool:
        return all(below(p, prefix) for p in self.network.written(activation))

    def _seen(self, activation: str, prefix: str) -> tuple[str, ...]:
        """The activation; of a concatenation that is in part below a prefix, its parts."""
        if len({below(x, prefix) for x in self.network.written(activation)}) == 1:
            return (activation,)
        return tuple(x for part in self.network.parts(activation) for x in self._seen(part, prefix))
