"""Architectures: the tree of versions 0.2 and 0.3, and the list of nodes of version 0.4."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from qdsl.diagnostics import Sink
from qdsl.exchange.timeloop.components import is_memory, is_unit, left_out, memory, unit
from qdsl.exchange.timeloop.parts import Machine, Memory, Mesh, Unit
from qdsl.exchange.yaml import Node, no_meaning, wrong

_RANGE = re.compile(r"^(?P<name>[^\[\]]+?)\s*(\[\s*(?P<first>\d+)\s*\.\.\s*(?P<last>\d+)\s*\])?$")
_COMPONENT_KEYS = {"name", "class", "subclass", "attributes", "required_actions", "constraints", "spatial", "enabled"}
_TAGS = {"!Component", "!Element", ""}


def read_architecture(node: Node, sink: Sink) -> Machine:
    """Raises SpecError where it cannot be read."""
    version = node.get("version")
    if version is not None and version.string() not in ("0.1", "0.2", "0.3", "0.4"):
        wrong(version.span, f"version {version.string()} is not known", helps=("versions 0.2 to 0.4 are read",))
    for key, at, _ in node.entries():
        if key not in ("version", "subtree", "nodes", "name", "local"):
            left_out(sink, at, f"`{key}`", "it is no part of an architecture that is read here")
    if node.get("nodes") is not None:
        return _read_nodes(node.need("nodes"), sink)
    return _read_tree(node, sink)


# --- versions 0.2 and 0.3 ---


@dataclass(frozen=True)
class _Placed:
    """A memory or unit with how many of it there are in all."""

    part: Memory | Unit
    instances: int
    mesh_x: int

    @property
    def mesh_y(self) -> int:
        return self.instances // self.mesh_x


def _read_tree(node: Node, sink: Sink) -> Machine:
    placed = tuple(_tree(node, 1, 0, sink))
    units = [p.part for p in placed if isinstance(p.part, Unit)]
    if len(units) != 1 or placed[-1].part is not units[0]:
        at = units[-1].span if units else node.span
        wrong(at, "an architecture has one arithmetic unit, inside all memories", notes=(f"{len(units)} were found",))
    parts: list[Memory | Mesh] = []
    for outer, inner in pairwise(placed):
        if isinstance(outer.part, Memory):
            parts += [outer.part, *_mesh(outer, inner)]
    return Machine(_name(node.need("subtree").items[0])[0], tuple(parts), units[0])


def _tree(node: Node, around: int, depth: int, sink: Sink) -> Iterator[_Placed]:
    """Components below a node, outermost first. around: instances of the node."""
    subtrees = node.need("subtree").sequence() if depth == 0 or node.get("subtree") is not None else ()
    if len(subtrees) > 1:
        no_meaning(subtrees[1].span, "a second subtree", "Timeloop reads one branch, too")
    for subtree in subtrees:
        _, count = _name(subtree)
        local = subtree.get("local")
        for component in local.sequence() if local is not None else ():
            found = _component(component, around * count, sink)
            if found is not None:
                yield found
        yield from _tree(subtree, around * count, depth + 1, sink)


def _component(node: Node, around: int, sink: Sink) -> _Placed | None:
    name, count = _name(node)
    kind = node.need("class").string()
    _review_keys(node, sink)
    attributes = _attributes(node)
    if not (is_memory(kind) or is_unit(kind)):
        left_out(sink, node.need("class").span, f"`{name}`", f"a `{kind}` is no memory and no arithmetic unit")
        return None
    span = node.need("name").span
    part = memory(name, span, attributes, sink) if is_memory(kind) else unit(name, span, attributes, sink)
    instances = attributes["instances"].whole() if "instances" in attributes else around * count
    mesh_x = attributes["meshX"].whole() if "meshX" in attributes else instances
    if "meshY" in attributes and "meshX" not in attributes:
        mesh_x = instances // attributes["meshY"].whole()
    mesh_y = attributes["meshY"].whole() if "meshY" in attributes else instances // mesh_x
    if mesh_x * mesh_y != instances:
        wrong(span, f"{instances} instances do not stand in columns of a mesh that is {mesh_x} wide")
    return _Placed(part, instances, mesh_x)


def _mesh(outer: _Placed, inner: _Placed) -> list[Mesh]:
    """What multiplies the inner part for each instance of the outer one; nothing where there is one for one."""
    if inner.mesh_x % outer.mesh_x or inner.mesh_y % outer.mesh_y:
        wrong(
            inner.part.span,
            f"{inner.mesh_x} x {inner.mesh_y} instances do not divide among {outer.mesh_x} x {outer.mesh_y} of "
            f"`{outer.part.name}`",
        )
    x, y = inner.mesh_x // outer.mesh_x, inner.mesh_y // outer.mesh_y
    if x * y == 1:
        return []
    return [Mesh(f"inside_{outer.part.name}", inner.part.span, x, y, outer.part.name)]


# --- version 0.4 ---


@dataclass
class _Nodes:
    """What a walk over the nodes has found so far. attributes: of the containers around."""

    sink: Sink
    parts: list[Memory | Mesh] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    directives: list[tuple[str, str, Node]] = field(default_factory=list)
    attributes: dict[str, Node] = field(default_factory=dict)
    containers: list[str] = field(default_factory=list)

    def walk(self, nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            if node.tag == "!Container":
                self.container(node)
            elif node.tag == "!Parallel":
                self.parallel(node)
            elif node.tag == "!Hierarchical":
                self.walk(node.need("nodes").sequence())
            elif node.tag in _TAGS:
                self.component(node)
            elif node.tag != "!Nothing":
                no_meaning(node.span, f"a node `{node.tag}`")

    def container(self, node: Node) -> None:
        name, count = _name(node)
        self.containers.append(name)
        _review_keys(node, self.sink)
        self.attributes |= _attributes(node)
        self.mesh(node, name, count)
        self.constrain(node, name)

    def mesh(self, node: Node, name: str, count: int) -> None:
        spatial = node.get("spatial")
        x, y = count, 1
        for key, at, value in spatial.entries() if spatial is not None else ():
            if key not in ("meshX", "meshY"):
                no_meaning(at, f"`{key}`")
            x, y = (value.whole(), y) if key == "meshX" else (x, value.whole())
        if x * y > 1:
            outside = next((p.name for p in reversed(self.parts) if isinstance(p, Memory)), "")
            if not outside:
                wrong(node.span, f"`{name}` stands outside all memories", helps=("the backing store comes first",))
            self.parts.append(Mesh(name, node.need("name").span, x, y, outside))

    def parallel(self, node: Node) -> None:
        """Each branch keeps what the others do not: its memories stand one inside the other here."""
        branches = node.need("nodes").sequence()
        kept = [_kept(b) for b in branches]
        for i, branch in enumerate(branches):
            if branch.tag == "!Nothing":
                continue
            if branch.tag not in _TAGS:
                no_meaning(
                    branch.span, f"a branch `{branch.tag}` of parallel nodes", "branches of one memory each are read"
                )
            if not kept[i]:
                wrong(branch.span, "which tensors this branch keeps is not said", helps=("`dataspace: {keep: [...]}`",))
            self.component(branch)
            others = tuple(item for j, items in enumerate(kept) if j != i for item in items)
            bypass = Node(branch.span, "", items=others)
            self.directives.append(
                (
                    _name(branch)[0],
                    "dataspace",
                    replace(branch, fields={"bypass": bypass}, keys={"bypass": branch.span}),
                )
            )

    def component(self, node: Node) -> None:
        name, count = _name(node)
        _review_keys(node, self.sink)
        classes = [c.string() for c in (node.get("class"), node.get("subclass")) if c is not None]
        kind = " ".join(classes)
        span = node.need("name").span
        attributes = {**self.attributes, **_attributes(node)}
        if not (is_memory(kind) or is_unit(kind)):
            left_out(self.sink, span, f"`{name}`", f"a `{kind}` is no memory and no arithmetic unit")
            return
        own = {k: v for k, v in attributes.items() if k not in ("meshX", "meshY")}
        self.mesh(node, f"{name}_array", count)
        if is_memory(kind):
            self.parts.append(memory(name, span, own, self.sink))
        else:
            self.units.append(unit(name, span, own, self.sink))
        self.constrain(node, name)

    def constrain(self, node: Node, name: str) -> None:
        constraints = node.get("constraints")
        for key, _, value in constraints.entries() if constraints is not None else ():
            self.directives.append((name, key, value))


def _read_nodes(nodes: Node, sink: Sink) -> Machine:
    found = _Nodes(sink)
    found.walk(nodes.sequence())
    if len(found.units) != 1:
        wrong(nodes.span, f"an architecture has one arithmetic unit, {len(found.units)} were found")
    if not found.parts or not isinstance(found.parts[0], Memory):
        wrong(nodes.span, "the outermost node but containers is the backing store")
    cycle = found.attributes.get("global_cycle_seconds")
    return Machine(
        found.containers[0] if found.containers else "machine",
        tuple(found.parts),
        found.units[0],
        1 / cycle.number() if cycle is not None and cycle.number() else None,
        tuple(found.directives),
    )


def _kept(branch: Node) -> tuple[Node, ...]:
    constraints = branch.get("constraints")
    dataspace = constraints.get("dataspace") if constraints is not None else None
    kept = dataspace.get("keep", "keep_only") if dataspace is not None else None
    return kept.sequence() if kept is not None else ()


# --- both ---


def _name(node: Node) -> tuple[str, int]:
    """Name and number of instances: `PE[0..3]` is ("PE", 4)."""
    text = node.need("name")
    found = _RANGE.match(text.string().strip())
    if found is None:
        wrong(text.span, f"`{text.string()}` is not a name, or a name with a range as in `PE[0..3]`")
    if found["first"] is None:
        return found["name"], 1
    count = int(found["last"]) - int(found["first"]) + 1
    if count < 1:
        wrong(text.span, "the range is empty")
    return found["name"], count


def _attributes(node: Node) -> dict[str, Node]:
    attributes = node.get("attributes")
    return {} if attributes is None else {key: value for key, _, value in attributes.entries()}


def _review_keys(node: Node, sink: Sink) -> None:
    for key, at, _ in node.entries():
        if key not in _COMPONENT_KEYS:
            left_out(sink, at, f"`{key}`", "it is not known here to change what Timeloop counts")
