"""Names of layers from what exporters leave: names of weights, modules of PyTorch, names of nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count

from qdsl.importers.onnx_file import Node

RESERVED = ("and", "else", "if", "not", "or", "then")  # of expressions; other words of the language may be names
_BETWEEN = ("Add", "Div", "MatMul", "Mul", "Sub")  # a module that holds one of these mostly holds other layers, too
_MADE = re.compile(r"[^:/]*::|(val|getitem|node)_?\d*$")  # names that say nothing: onnx::Conv_101, val_3


@dataclass
class Names:
    """taken: names given so far."""

    taken: set[str] = field(default_factory=lambda: set(RESERVED))

    def of(self, node: Node, weight: str = "") -> str:
        """The name of the layer made from a node. weight: the name of its weights in the file, '' if it has none."""
        path = _path(node, weight)
        kind = _word(node.op)
        alone = weight or node.op not in _BETWEEN
        return self.free((path if alone else f"{path}.{kind}") if path else kind)

    def free(self, path: str) -> str:
        """A name like a path, `layer1.0.conv1`, that no other has."""
        base = identifier(path, "layer")
        numbered = (f"{base}_{n}" for n in count(2))
        name = base if base not in self.taken else next(n for n in numbered if n not in self.taken)
        self.taken.add(name)
        return name


def identifier(text: str, kind: str) -> str:
    """A text as a name of the language; kind: what goes before a digit."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    return name if name[:1].isalpha() else f"{kind}_{name}".strip("_")


def _path(node: Node, weight: str) -> str:
    if "." in weight and not _MADE.match(weight):
        return weight.rpartition(".")[0]
    if node.scope:
        return _scope(node.scope)
    if "/" in node.name:
        return _slashes(node.name)
    return ""


def _scope(scope: str) -> str:
    """`: m.Net/att: torch.nn.MultiheadAttention/linear: aten.linear` is `att`: the modules between model and operator."""
    parts = [p.partition(":")[0].strip() for p in scope.split("/")][1:-1]
    return next((p for p in reversed(parts) if p), "")


def _slashes(name: str) -> str:
    """`/layer1/layer1.0/conv1/Conv` is `layer1.0.conv1`: containers repeat the path to their parts."""
    *parts, _ = name.strip("/").split("/")
    repeated = zip(parts, (*parts[1:], ""), strict=False)
    return ".".join(part for part, inner in repeated if not inner.startswith(f"{part}."))


def _word(op: str) -> str:
    """`GlobalAveragePool` is `global_average_pool`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", op.replace("MatMul", "Matmul")).lower()
