"""What a checked model guarantees; later stages rely on it without checking again. Tests run `violations` on every spec."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, prod

from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.constraint import (
    Bits,
    Constraint,
    Factor,
    Formula,
    Only,
    Operation,
    Order,
    Require,
    TileExtent,
    Utilization,
)
from qdsl.model.network import Layer, Network
from qdsl.model.operator import Problem
from qdsl.model.study import OBJECTIVES, SEARCH_OPERATORS, Model, Study, WrittenMapping


def violations(model: Model) -> list[str]:
    """One sentence for everything in the model that breaks its contract; empty for a model the checker let through."""
    out: list[str] = []
    for accelerator in model.accelerators:
        out += [f"accelerator {accelerator.name}: {v}" for v in _accelerator(accelerator)]
    for network in model.networks:
        out += [f"network {network.name}: {v}" for v in _network(network)]
    for mapping in model.mappings:
        out += [f"mapping {mapping.name}: {v}" for v in _mapping(mapping)]
    for study in model.studies:
        out += [f"study {study.name}: {v}" for v in _study(study)]
    return out


def _accelerator(a: Accelerator) -> Iterator[str]:
    first = a.hierarchy[0]
    if not isinstance(first, StorageLevel) or first.size_words is not None or first.keep is not None:
        yield "the outermost level must be an unlimited memory that keeps every tensor"
    names = [h.name for h in a.hierarchy] + [a.compute.name]
    if len(set(names)) != len(names):
        yield "level names must differ"
    energies = [a.compute.energy_pj]
    for h in a.hierarchy:
        if isinstance(h, FanOut):
            if h.x < 1 or h.y < 1:
                yield f"{h.name} must have at least one instance"
            continue
        energies += [h.energy.read_pj, h.energy.write_pj, h.energy.update_pj]
        if h.word_bits < 1 or h.block_words < 1:
            yield f"{h.name} must have words and blocks of at least 1"
        if h is not first and (h.size_words is None or h.size_words < 1):
            yield f"{h.name} must hold at least one word"
        if any(b is not None and b <= 0 for b in (h.read_bandwidth, h.write_bandwidth)):
            yield f"{h.name} must have positive bandwidths"
    if any(e < 0 or not isfinite(e) for e in energies):
        yield "energies must be finite and not negative"


def _problem(p: Problem) -> Iterator[str]:
    operator = p.operator
    if len(p.sizes) != len(operator.dims) or min(p.sizes) < 1:
        yield "every dimension must have a size of at least 1"
    if not operator.tensors[-1].is_output or sum(t.is_output for t in operator.tensors) != 1:
        yield "exactly the last tensor must be the output"
    for t in operator.tensors:
        dims = [d for axis in t.axes for d in axis.dims]
        if not t.axes or len(set(dims)) != len(dims) or not set(dims) <= set(operator.dims):
            yield f"{t.name} must index every dimension at most once"
        if any(term.coefficient < 1 for axis in t.axes for term in axis.terms):
            yield f"coefficients of {t.name} must be positive"
    if (operator.reduction == "none") != (set(operator.output.dims) == set(operator.dims)):
        yield "an operator reduces exactly when its output lacks a dimension"


def _network(n: Network) -> Iterator[str]:
    shapes = {a.name: a.shape for a in n.activations}
    known = {a.name for a in n.activations if a.producer is None}
    if len(shapes) != len(n.activations) or len({layer.name for layer in n.layers}) != len(n.layers):
        yield "names of layers and activations must differ"
    for layer in n.layers:
        yield from (f"layer {layer.name}: {v}" for v in _problem(layer.problem))
        for tensor, activation in layer.inputs:
            if activation not in known:
                yield f"layer {layer.name} reads {activation} before it is produced"
            elif not _fits(layer, tensor, shapes[activation]):
                yield f"layer {layer.name} does not fit the shape of {activation}"
        if layer.inputs:
            known.add(layer.name)
            if shapes.get(layer.name) != layer.problem.shape(layer.problem.operator.output):
                yield f"layer {layer.name} must produce an activation of its output's shape"
    if not set(n.outputs) <= known:
        yield "outputs must be activations"


def _fits(layer: Layer, tensor: str, shape: tuple[int, ...]) -> bool:
    """Whether what the layer reads lies within the padded activation."""
    t = layer.problem.operator.tensor(tensor)
    padded = [n + 2 * layer.padding * (len(a.terms) > 1) for n, a in zip(shape, t.axes, strict=True)]
    return all(need <= have for need, have in zip(layer.problem.shape(t), padded, strict=True))


def _mapping(m: WrittenMapping) -> Iterator[str]:
    if tuple(p for p, _ in m.mapping.places) != m.accelerator.places:
        yield "it must list the places of its accelerator, outermost first"
    loops = [loop for _, loops in m.mapping.places for loop in loops]
    for dim in m.layer.problem.operator.dims:
        if prod(loop.factor for loop in loops if loop.dim == dim) != m.layer.problem.size(dim):
            yield f"the factors of {dim} must multiply to its size"
    if any(loop.factor < 2 for loop in loops):
        yield "loops of factor 1 must be left out"
    if tuple(t for t, _ in m.bits) != tuple(t.name for t in m.layer.problem.operator.tensors):
        yield "every tensor must have a width"
    for tensor, bits in m.bits:
        if bits < 1 or any(level.keeps(tensor) and bits > level.word_bits for level in m.accelerator.levels):
            yield f"{tensor} must fit a word of every level that keeps it"


def _study(s: Study) -> Iterator[str]:
    yield from _precision(s)
    for c in s.constraints:
        yield from (f"`{c.text}`: {v}" for v in _constraint(c, s.accelerator))
    if not s.objectives or not set(s.objectives) <= set(OBJECTIVES):
        yield "objectives must be known"
    if s.search.operators not in SEARCH_OPERATORS or min(s.search.population, s.search.offspring) < 1:
        yield "the search must have known operators and at least one member"


def _precision(s: Study) -> Iterator[str]:
    space = s.precision
    for v in space.variables:
        if not v.options or list(v.options) != sorted(set(v.options)) or v.options[0] < 1:
            yield f"variable {v.name} must have ascending options"
    if tuple(name for name, _ in space.assignment) != tuple(layer.name for layer in s.network.layers):
        yield "every layer must have widths"
        return
    widths = {name: dict(tensors) for name, tensors in space.assignment}
    for layer in s.network.layers:
        mine = widths[layer.name]
        if tuple(mine) != tuple(t.name for t in layer.problem.operator.tensors):
            yield f"every tensor of {layer.name} must have a width"
            continue
        for t in layer.problem.operator.tensors:
            index = mine[t.name]
            if index is not None and t.is_weight != (space.variables[index].role == "weights"):
                yield f"{layer.name}.{t.name} has a width of the wrong role"
        for tensor, activation in layer.inputs:
            producer = widths.get(activation)
            if producer and producer[s.network.layer(activation).problem.operator.output.name] != mine[tensor]:
                yield f"{layer.name} reads {activation} at another width than it is written"


def _constraint(c: Constraint, a: Accelerator) -> Iterator[str]:
    if isinstance(c, Only) and c.place not in a.places:
        yield f"unknown place {c.place}"
    if isinstance(c, Order) and c.level not in {level.name for level in a.levels}:
        yield f"unknown level {c.level}"
    if isinstance(c, Require):
        yield from _formula(c.formula, a)
    for f in _leaves(c.scope.condition) if c.scope.condition else ():
        if isinstance(f, Factor | TileExtent | Utilization):
            yield "conditions must use bit-widths and sizes only"


def _formula(formula: Formula, a: Accelerator) -> Iterator[str]:
    for f in _leaves(formula):
        if isinstance(f, Factor) and f.place not in a.places:
            yield f"unknown place {f.place}"
        if isinstance(f, TileExtent) and f.level not in {level.name for level in a.levels}:
            yield f"unknown level {f.level}"
        if isinstance(f, Utilization) and f.fanout not in {x.name for x in a.fanouts}:
            yield f"unknown array {f.fanout}"
        if isinstance(f, Bits) and not f.tensor:
            yield "bits of no tensor"


def _leaves(formula: Formula) -> Iterator[Formula]:
    if isinstance(formula, Operation):
        for operand in formula.operands:
            yield from _leaves(operand)
    else:
        yield formula
