"""What a mapping or a constraint says of one memory or mesh: factors, an order of loops, tensors kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qdsl.diagnostics import Span, did_you_mean
from qdsl.exchange.timeloop.parts import Machine, Memory, Mesh
from qdsl.exchange.yaml import Node, no_meaning, wrong

KINDS = {
    **dict.fromkeys(("datatype", "bypass", "bypassing", "dataspace"), "keep"),
    "temporal": "temporal",
    "spatial": "spatial",
}
_KEYS = {
    "keep": {"keep", "bypass", "keep_only"},
    "temporal": {"factors", "permutation"},
    "spatial": {"factors", "permutation", "split"},
}
_FACTOR = re.compile(r"^(?P<dim>[A-Za-z_]+?)\s*(?P<sign><=|>=|==|=)?\s*(?P<value>\d+)(?P<last>\s*,\s*\d+)?$")
_APART = re.compile(r"[\s,]+(?=[A-Za-z_])")


@dataclass(frozen=True)
class Factor:
    """sign: `=`, `<=` or `>=`. value: 0 for the whole dimension."""

    dim: str
    sign: str
    value: int
    span: Span


@dataclass(frozen=True)
class Directive:
    """kind: `temporal`, `spatial` or `keep`. permutation: innermost loop first. split: how many of it lie along X."""

    kind: str
    target: Memory | Mesh
    span: Span
    factors: tuple[Factor, ...] = ()
    permutation: tuple[str, ...] = ()
    split: int | None = None
    keep: tuple[str, ...] = ()
    bypass: tuple[str, ...] = ()


def read_directive(
    machine: Machine, dims: tuple[str, ...], tensors: tuple[str, ...], target: str, kind: str, node: Node, at: Span
) -> Directive:
    """One directive. at: where the target is named. Raises SpecError where it cannot be read."""
    if kind not in KINDS:
        no_meaning(at, f"a directive of type `{kind}`")
    kind = KINDS[kind]
    for key, where, _ in node.entries():
        if key not in _KEYS[kind] | {"target", "type"}:
            no_meaning(where, f"`{key}` of a {kind} directive")
    place = _target(machine, target, kind, at)
    if kind == "keep":
        keep = _tensors(node.get("keep", "keep_only"), tensors)
        others = tuple(t for t in tensors if t not in keep) if node.get("keep_only") is not None else ()
        return Directive(kind, place, node.span, keep=keep, bypass=_tensors(node.get("bypass"), tensors) or others)
    factors, permutation, split = node.get("factors"), node.get("permutation"), node.get("split")
    return Directive(
        kind,
        place,
        node.span,
        () if factors is None else _factors(factors, dims),
        () if permutation is None else _permutation(permutation, dims),
        None if split is None else split.whole(0),
    )


def _target(machine: Machine, name: str, kind: str, at: Span) -> Memory | Mesh:
    """Spatial loops stand at the mesh directly inside the memory that is named, or at a mesh by its own name."""
    meshes = {alias: m for m in machine.meshes for alias in (m.name, f"inter_{m.name}_spatial")}
    memories = {m.name: m for m in machine.memories}
    if kind == "spatial" and name in memories and name not in meshes:
        inside = [m for m in machine.meshes if m.outside == name]
        if len(inside) == 1:
            return inside[0]
        if inside:
            wrong(at, f"`{name}` has several meshes inside", helps=(f"name one: {', '.join(m.name for m in inside)}",))
        return memories[name]
    found = meshes.get(name) if kind == "spatial" else memories.get(name) or meshes.get(name)
    if found is None:
        known = (*memories, *(m.name for m in machine.meshes))
        wrong(at, f"there is no level `{name}`", helps=did_you_mean(name, known) or (f"there are: {', '.join(known)}",))
    return found


def _factors(node: Node, dims: tuple[str, ...]) -> tuple[Factor, ...]:
    """`C=1 M<=2`, `C1 M2` or a list of these."""
    words = [(w, node.span) for w in _APART.split(node.text.strip()) if w] if node.text is not None else []
    found = []
    for word, at in words or [(n.string().strip(), n.span) for n in node.sequence()]:
        parts = _FACTOR.match(word)
        if parts is None:
            wrong(at, f"`{word}` is not a factor, as in `C=4`")
        if parts["dim"] not in dims:
            wrong(at, f"there is no dimension `{parts['dim']}`", helps=(f"there are: {', '.join(dims)}",))
        if parts["last"]:
            no_meaning(at, f"the factor `{word}` with another last iteration", "loops have one number of iterations")
        found.append(
            Factor(parts["dim"], parts["sign"] if parts["sign"] in ("<=", ">=") else "=", int(parts["value"]), at)
        )
    twice = {f.dim for f in found if sum(g.dim == f.dim for g in found) > 1}
    if twice:
        wrong(node.span, f"dimension `{min(twice)}` has two factors")
    return tuple(found)


def _permutation(node: Node, dims: tuple[str, ...]) -> tuple[str, ...]:
    """Names set apart by commas or spaces, or letters without any."""
    words = [n.string() for n in node.items] if node.text is None else re.split(r"[\s,]+", node.text.strip())
    found: list[str] = []
    for word in filter(None, words):
        found += [word] if word in dims else list(word)
    for dim in found:
        if dim not in dims:
            wrong(node.span, f"there is no dimension `{dim}`", helps=(f"there are: {', '.join(dims)}",))
    if len(set(found)) < len(found):
        wrong(node.span, "a dimension stands twice in the order")
    return tuple(found)


def _tensors(node: Node | None, tensors: tuple[str, ...]) -> tuple[str, ...]:
    if node is None:
        return ()
    found = []
    for item in node.sequence():
        if item.string() not in tensors:
            helps = did_you_mean(item.string(), tensors) or (f"there are: {', '.join(tensors)}",)
            wrong(item.span, f"there is no tensor `{item.string()}`", helps=helps)
        found.append(item.string())
    return tuple(found)
