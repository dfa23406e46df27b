"""Constraints: as statements of a `constraints` block, and which tensors a memory keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from qdsl.diagnostics import Sink, Span, SpecError
from qdsl.exchange.timeloop.directives import Directive, Factor, read_directive
from qdsl.exchange.timeloop.parts import Machine, Memory, Mesh, written
from qdsl.exchange.timeloop.problem import Problem
from qdsl.exchange.yaml import Node, wrong

KEYS = ("architecture_constraints", "arch_constraints", "mapspace_constraints", "mapspace", "constraints")


@dataclass
class Rules:
    """keep, bypass: (memory, tensor) with where it is said. directives: the others."""

    keep: dict[tuple[str, str], Span] = field(default_factory=dict)
    bypass: dict[tuple[str, str], Span] = field(default_factory=dict)
    directives: list[Directive] = field(default_factory=list)

    def fixes_no_loops(self, memory: str, dims: tuple[str, ...]) -> bool:
        """Whether a memory may have no loops of more than one iteration."""
        ones = {
            f.dim
            for d in self.directives
            if d.kind == "temporal" and d.target.name == memory
            for f in d.factors
            if _is_one(f)
        }
        return ones >= set(dims)


def read_constraints(nodes: list[Node], machine: Machine, problem: Problem, sink: Sink) -> Rules:
    """All of several files and of the architecture. What is wrong with single ones goes to the sink."""
    rules = Rules()
    for target, kind, node, at in _listed(nodes, machine, sink):
        try:
            tensors = tuple(t.name for t in problem.tensors)
            _take(rules, read_directive(machine, problem.dims, tensors, target, kind, node, at))
        except SpecError as error:
            sink.take(error.diagnostics)
    return rules


def _listed(nodes: list[Node], machine: Machine, sink: Sink) -> Iterator[tuple[str, str, Node, Span]]:
    for target, kind, said in machine.directives:
        yield target, kind, said, said.span
    for node in nodes:
        items = node.get("targets") or node
        for item in items.sequence():
            try:
                named = item.need("target")
                yield named.string(), item.need("type").string(), item, named.span
            except SpecError as error:
                sink.take(error.diagnostics)


def _take(rules: Rules, directive: Directive) -> None:
    if directive.kind != "keep":
        rules.directives.append(directive)
        return
    for said, other, tensors in (
        (rules.keep, rules.bypass, directive.keep),
        (rules.bypass, rules.keep, directive.bypass),
    ):
        for tensor in tensors:
            if (directive.target.name, tensor) in other:
                wrong(directive.span, f"`{directive.target.name}` must both keep and bypass `{tensor}`")
            said[(directive.target.name, tensor)] = directive.span


def statements(directive: Directive, dims: tuple[str, ...]) -> Iterator[str]:
    """What a directive says, in qdsl."""
    target = directive.target
    if directive.kind == "temporal" and isinstance(target, Memory):
        yield from _temporal(directive, written(target.name), dims)
    elif isinstance(target, Mesh) and directive.kind == "spatial":
        yield from _spatial(directive, target, dims)
    elif not all(_is_one(f) for f in directive.factors):
        wrong(directive.span, f"`{target.name}` can have no such loops")


def _temporal(directive: Directive, memory: str, dims: tuple[str, ...]) -> Iterator[str]:
    ones = {f.dim for f in directive.factors if _is_one(f)}
    free = [d for d in dims if d not in ones]
    if ones:
        yield f"temporal {memory} only {', '.join(map(str.upper, free))}" if free else f"temporal {memory} none"
    for f in directive.factors:
        if not _is_one(f):
            yield f"temporal({memory}, {f.dim.upper()}) {_bound(f)}"
    order = [d.upper() for d in reversed(directive.permutation) if d in free]
    whole = set(free) <= set(directive.permutation)
    if len(order) > 1 or (order and not whole):
        yield f"order {memory}: {', '.join(order)}{'' if whole else ' innermost'}"


def _spatial(directive: Directive, mesh: Mesh, dims: tuple[str, ...]) -> Iterator[str]:
    ones = {f.dim for f in directive.factors if _is_one(f)}
    axes = {d: _axes(directive, mesh, d) for d in dims}
    for axis in ("x", "y"):
        free = [d for d in dims if d not in ones and axis in axes[d]]
        if len(free) < len(dims):
            place = f"spatial {written(mesh.name)}.{axis}"
            yield f"{place} only {', '.join(map(str.upper, free))}" if free else f"{place} none"
    for f in directive.factors:
        if not _is_one(f):
            yield f"{' * '.join(f'spatial({written(mesh.name)}.{a}, {f.dim.upper()})' for a in axes[f.dim])} {_bound(f)}"


def _axes(directive: Directive, mesh: Mesh, dim: str) -> tuple[str, ...]:
    """The axes along which a dimension may be spread; where `split` does not say, those that the mesh has."""
    if directive.split is not None and dim in directive.permutation:
        return ("x",) if dim in directive.permutation[: directive.split] else ("y",)
    return tuple(axis for axis, size in (("x", mesh.x), ("y", mesh.y)) if size > 1)


def _is_one(factor: Factor) -> bool:
    return factor.value == 1 and factor.sign in ("=", "<=")


def _bound(f: Factor) -> str:
    return f"{'==' if f.sign == '=' else f.sign} {f.value or f.dim.upper()}"
