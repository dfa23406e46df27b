"""Blocks that give layers dotted names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from qdsl.model.network import Layer
from qdsl.syntax import tree as t
from qdsl.unparse.layers import Calls, Reference
from qdsl.unparse.nodes import NOWHERE, call, ident
from qdsl.unparse.paths import Paths, grouped

Bindings = dict[str, t.Expr]


@dataclass
class Blocks:
    """made: the blocks declared so far, by name."""

    paths: Paths
    calls: Calls
    made: dict[str, t.BlockDecl] = field(default_factory=dict)

    def instance(self, prefix: str, layers: list[Layer], outside: Reference) -> t.Call:
        """The call of a block that makes the layers below a prefix. outside: names of activations where it stands."""
        read = self.paths.read(prefix, layers)
        names = fresh(grouped(layers, prefix))
        called = {activation: next(names) for activation in read}
        body, result = self.body(prefix, layers, called)
        return call(self.declare(prefix, called.values(), body, result), map(outside, read))

    def body(self, prefix: str, layers: list[Layer], called: dict[str, str]) -> tuple[Bindings, t.Expr]:
        """What a block binds, and what it stands for. called: its names of activations from outside."""

        def reference(activation: str) -> t.Expr:
            return self.paths.inside(activation, prefix, called)

        bindings: Bindings = {}
        for key, inside in grouped(layers, prefix).items():
            path = f"{prefix}.{key}"
            if key.isdigit():
                raise ValueError(f"`{path}` would be a `repeat` inside a block")
            leaf = inside[0].name == path
            bindings[key] = self.calls.call(inside[0], reference) if leaf else self.instance(path, inside, reference)
        return bindings, reference(self.paths.result(prefix))

    def declare(self, prefix: str, parameters: Iterable[str], body: Bindings, result: t.Expr) -> str:
        """Declares a block; the name of an equal one if there is one."""
        block = t.BlockDecl(
            span=NOWHERE,
            name=ident(""),
            parameters=tuple(t.Parameter(span=NOWHERE, name=ident(p), default=None) for p in parameters),
            statements=(
                *(t.Binding(span=NOWHERE, name=ident(n), value=value) for n, value in body.items()),
                t.YieldStmt(span=NOWHERE, value=result),
            ),
        )
        for known, other in self.made.items():
            if replace(other, name=block.name) == block:
                return known
        layers, activations = self.paths.network.layers, self.paths.network.activations
        taken = {*self.made, *(x.name.split(".")[0] for x in layers), *(a.name for a in activations)}
        taken |= {x.problem.operator.name for x in layers}
        base = f"{prefix.split('.')[0]}_block"
        numbered = (f"{base}_{i}" for i in count(2))
        found = base if base not in taken else next(n for n in numbered if n not in taken)
        self.made[found] = replace(block, name=ident(found))
        return found


def fresh(taken: Iterable[str]) -> Iterator[str]:
    """Names for parameters, other than those taken."""
    used = set(taken)
    yield from (c for c in ("x", "y", "z") if c not in used)
    yield from (f"x{i}" for i in count(4) if f"x{i}" not in used)
