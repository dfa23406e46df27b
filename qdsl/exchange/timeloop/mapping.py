"""A mapping: from one directive per memory and mesh to loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from qdsl.diagnostics import Sink, Span, SpecError
from qdsl.exchange.timeloop.directives import Directive, read_directive
from qdsl.exchange.timeloop.parts import Machine, Memory, Mesh
from qdsl.exchange.timeloop.problem import Problem
from qdsl.exchange.yaml import Node, wrong

Loops = tuple[tuple[str, int], ...]


@dataclass
class Nest:
    """loops: by place (`glb`, `array.x`), outermost loop first, without loops of one iteration. bypass: (memory, tensor) with
    where it is said; keep: likewise."""

    span: Span
    loops: dict[str, Loops] = field(default_factory=dict)
    bypass: dict[tuple[str, str], Span] = field(default_factory=dict)
    keep: dict[tuple[str, str], Span] = field(default_factory=dict)

    def loops_at(self, memory: str) -> bool:
        return bool(self.loops.get(memory))


def read_mapping(node: Node, machine: Machine, problem: Problem, sink: Sink) -> Nest:
    """All that is wrong with single directives goes to the sink. Raises SpecError where the factors do not make the sizes."""
    nest = Nest(node.span)
    listed = node.get("nodes") or node
    for item in listed.sequence():
        try:
            target = item.need("target")
            kind = item.need("type").string()
            tensors = tuple(t.name for t in problem.tensors)
            found = read_directive(machine, problem.dims, tensors, target.string(), kind, item, target.span)
            _take(nest, found, problem)
        except SpecError as error:
            sink.take(error.diagnostics)
    sink.raise_if_errors()
    for dim in problem.dims:
        factors = [f for loops in nest.loops.values() for d, f in loops if d == dim]
        if prod(factors) != problem.sizes[dim]:
            text = " * ".join(map(str, factors)) or "1"
            wrong(node.span, f"the factors of `{dim}` make {text} = {prod(factors)}, its size is {problem.sizes[dim]}")
    return nest


def _take(nest: Nest, directive: Directive, problem: Problem) -> None:
    target = directive.target
    if directive.kind == "keep":
        nest.keep.update({(target.name, t): directive.span for t in directive.keep})
        nest.bypass.update({(target.name, t): directive.span for t in directive.bypass})
        return
    factors = dict(_values(directive, problem))
    order = directive.permutation + tuple(d for d in problem.dims if d not in directive.permutation)
    several = [d for d in order if factors.get(d, 1) > 1]
    if directive.kind == "temporal":
        if isinstance(target, Mesh) and several:
            wrong(directive.span, f"`{target.name}` is a mesh and runs no loops in time")
        _put(nest, target.name, several, factors, directive)
        return
    if isinstance(target, Memory):
        if several:
            wrong(
                directive.span,
                f"inside each `{target.name}` stands one instance: there is nothing to spread loops over",
            )
        return
    along_x = set(order[: directive.split]) if directive.split is not None else _only_axis(target, several, directive)
    _put(nest, f"{target.name}.x", [d for d in several if d in along_x], factors, directive)
    _put(nest, f"{target.name}.y", [d for d in several if d not in along_x], factors, directive)


def _put(nest: Nest, place: str, dims: list[str], factors: dict[str, int], directive: Directive) -> None:
    """Timeloop writes the innermost loop first."""
    if place in nest.loops:
        wrong(directive.span, f"`{directive.target.name}` has a {directive.kind} directive already")
    nest.loops[place] = tuple((d, factors[d]) for d in reversed(dims))


def _values(directive: Directive, problem: Problem) -> Iterator[tuple[str, int]]:
    for factor in directive.factors:
        if factor.sign != "=":
            wrong(factor.span, "a mapping states its factors", notes=(f"`{factor.dim}{factor.sign}{factor.value}`",))
        yield factor.dim, factor.value or problem.sizes[factor.dim]


def _only_axis(mesh: Mesh, several: list[str], directive: Directive) -> set[str]:
    """Dimensions along X where `split` does not say: all, if the mesh has one axis."""
    if mesh.x > 1 and mesh.y > 1 and several:
        wrong(directive.span, f"which loops run along X of `{mesh.name}` is not said", helps=("`split: N`",))
    return set(several) if mesh.x > 1 else set()
