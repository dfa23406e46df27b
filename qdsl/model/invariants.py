"""What a checked model guarantees; later stages rely on it without checking again. Tests run `violations` on every spec."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.accuracy import CHOICES, DATA, METHODS, RANGES
from qdsl.model.constraint import (
    Bits,
    ComputeInUse,
    Constraint,
    Factor,
    Formula,
    Keep,
    Occupancy,
    Only,
    Operation,
    Order,
    Require,
    TileExtent,
    Utilization,
)
from qdsl.model.mapping import Mapping
from qdsl.model.network import Layer, Network
from qdsl.model.operator import Problem
from qdsl.model.study import LEVELS, OBJECTIVES, SEARCH_OPERATORS, SEARCHES, Model, Study, WrittenMapping


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
    limited = isinstance(first, StorageLevel) and first.size_words is not None and not a.compute.layers
    if not isinstance(first, StorageLevel) or limited or first.keep is not None:
        yield "the outermost level must be an unlimited memory that keeps every tensor"
    names = [h.name for h in a.hierarchy] + [a.compute.name]
    if len(set(names)) != len(names):
        yield "level names must differ"
    energies = [a.compute.energy] if isinstance(a.compute.energy, float | int) else []
    energies += [a.leakage_pj, a.area_mm2 or 0.0]
    for h in a.hierarchy:
        if isinstance(h, FanOut):
            if h.x < 1 or h.y < 1:
                yield f"{h.name} must have at least one instance"
            energies.append(h.hop_pj_per_bit)
            continue
        energies += [h.energy.read_pj, h.energy.write_pj, h.energy.update_pj]
        if h.word_bits < 1 or h.block_words < 1:
            yield f"{h.name} must have words and blocks of at least 1"
        named = frozenset[str]().union(*(p.tensors or () for p in h.partitions))
        if h is not first and h.size_words is None and (h.keep is None or not h.keep | h.optional <= named):
            yield f"{h.name} must limit every tensor it keeps"
        if any(p.size_words < 1 for p in h.all_partitions):
            yield f"{h.name} must hold at least one word"
        if any(b is not None and b <= 0 for p in h.all_ports for b in (p.read, p.write)):
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
    if (operator.reduction == "none") == operator.combines:
        yield "an operator reduces exactly when several iterations meet in an output value"


def _network(n: Network) -> Iterator[str]:
    shapes = {a.name: a.shape for a in n.activations}
    known = {a.name for a in n.activations if a.is_input}
    if len(shapes) != len(n.activations) or len({layer.name for layer in n.layers}) != len(n.layers):
        yield "names of layers and activations must differ"
    before: set[str] = set()
    for a in n.activations:
        if not before.issuperset(a.parts):
            yield f"{a.name} must come after what it joins"
            return
        if a.parts and a.shape[1] != sum(shapes[p][1] for p in a.parts):
            yield f"{a.name} must have the channels of its parts"
        before.add(a.name)
    for layer in n.layers:
        yield from (f"layer {layer.name}: {v}" for v in _problem(layer.problem))
        for tensor, activation in layer.inputs:
            if not known.issuperset(n.written(activation)):
                yield f"layer {layer.name} reads {activation} before it is produced"
            elif not _fits(layer, tensor, shapes[activation]):
                yield f"layer {layer.name} does not fit the shape of {activation}"
        if layer.inputs:
            known.add(layer.name)
            if shapes.get(layer.name) != layer.problem.shape(layer.problem.operator.output):
                yield f"layer {layer.name} must produce an activation of its output's shape"
    if not all(known.issuperset(n.written(o)) for o in n.outputs):
        yield "outputs must be activations"


def _fits(layer: Layer, tensor: str, shape: tuple[int, ...]) -> bool:
    """Whether what the layer reads lies within the padded activation."""
    t = layer.problem.operator.tensor(tensor)
    padded = [n + 2 * layer.padded(a) for n, a in zip(shape, t.axes, strict=True)]
    return all(need <= have for need, have in zip(layer.problem.shape(t), padded, strict=True))


def _mapping(m: WrittenMapping) -> Iterator[str]:
    if tuple(p for p, _ in m.mapping.places) != m.accelerator.places:
        yield "it must list the places of its accelerator, outermost first"
    loops = [loop for _, loops in m.mapping.places for loop in loops]
    dims = m.layer.problem.operator.dims
    yield from (v for dim in dims for v in _factors(m.mapping, dim, m.layer.problem.size(dim)))
    if bool(m.mapping.imperfect) != any(m.mapping.covered(d) != m.layer.problem.size(d) for d in dims):
        yield "a mapping is imperfect exactly when its factors make more than a size"
    if any(loop.factor < 2 for loop in loops):
        yield "loops of factor 1 must be left out"
    if tuple(t for t, _ in m.bits) != tuple(t.name for t in m.layer.problem.operator.tensors):
        yield "every tensor must have a width"
    for tensor, bits in m.bits:
        if bits < 1 or any(level.keeps(tensor) and bits > level.word_bits for level in m.accelerator.levels):
            yield f"{tensor} must fit a word of every level that keeps it"


def _factors(m: Mapping, dim: str, size: int) -> Iterator[str]:
    covered = m.covered(dim)
    if covered < size or (covered > size and not m.imperfect):
        yield f"the factors of {dim} must multiply to its size"
    outermost = next((loop for _, loops in m.places for loop in loops if loop.dim == dim), None)
    if outermost and (outermost.factor - 1) * (covered // outermost.factor) >= size:
        yield f"every iteration over {dim} must do something"


def _study(s: Study) -> Iterator[str]:
    yield from _groups(s.network)
    yield from _precision(s)
    for c in s.constraints:
        yield from (f"`{c.text}`: {v}" for v in _constraint(c, s.accelerator))
    if not s.objectives or not set(s.objectives) <= set(OBJECTIVES):
        yield "objectives must be known"
    if not s.levels or list(s.levels) != [x for x in LEVELS if x in s.levels]:
        yield "levels must be known and go from rough to fine"
    if any(layer.weight <= 0 for layer in s.network.layers):
        yield "a network must run more than never"
    if any(c.accelerator.places != s.accelerator.places for c in s.hardware):
        yield "all configurations must have the same places"
    if s.search.operators not in SEARCH_OPERATORS or min(s.search.population, s.search.offspring) < 1:
        yield "the search must have known operators and at least one member"
    if s.search.method not in SEARCHES or not 0 <= s.search.epsilon <= 1:
        yield "the search must be a known one with an epsilon from 0 to 1"
    yield from _accuracy(s)


def _accuracy(s: Study) -> Iterator[str]:
    asked = {"error"} & set(s.objectives) or s.largest_error is not None, "sensitivity" in s.objectives
    measures = s.accuracy is not None and s.accuracy.method != "estimate", s.accuracy is not None
    if (bool(asked[0]), bool(asked[0]) or asked[1]) != measures:
        yield "errors must be measured, or estimated, exactly where the study asks for that"
    if s.accuracy is None:
        return
    a = s.accuracy
    if a.method not in METHODS or a.data.kind not in DATA or bool(a.data.path) != DATA[a.data.kind].needs_path:
        yield "the method and the data must be known, with a path where they need one"
    elif any(not low <= getattr(a, name) <= high for name, (low, high) in RANGES.items()) or any(
        getattr(a, name) not in words for name, words in CHOICES.items()
    ):
        yield "the settings of the method must be in their ranges or among their words"
    if s.largest_error is not None and not 0 <= s.largest_error <= 100:
        yield "the largest error must be from 0 to 100 %"


def _groups(n: Network) -> Iterator[str]:
    found: dict[tuple[str, int], int] = {}  # (split layer, its channels) -> those of its groups
    for layer in n.layers:
        if layer.group:
            key = layer.group.layer, layer.group.channels
            found[key] = found.get(key, 0) + layer.problem.size(layer.group.dim)
    for (name, channels), together in found.items():
        if together != channels:
            yield f"the groups of {name} must have {channels} channels together"


def _precision(s: Study) -> Iterator[str]:
    space = s.precision
    for v in space.variables:
        if not v.options or list(v.options) != sorted(set(v.options)) or v.options[0] < 1:
            yield f"variable {v.name} must have ascending options"
    if tuple(name for name, _ in space.assignment) != tuple(layer.name for layer in s.network.layers):
        yield "every layer must have widths"
        return
    widths = {name: dict(tensors) for name, tensors in space.assignment}
    written: dict[str, set[int | None]] = {}
    same = s.network.stored_as
    for layer in s.network.layers:
        name = same.get(layer.output, layer.output)
        written.setdefault(name, set()).add(widths[layer.name].get(layer.problem.operator.output.name))
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
            if written.get(same[activation], {mine[tensor]}) != {mine[tensor]}:
                yield f"{layer.name} reads {activation} at another width than it is written"


def _constraint(c: Constraint, a: Accelerator) -> Iterator[str]:
    if isinstance(c, Only) and c.place not in a.places:
        yield f"unknown place {c.place}"
    if isinstance(c, Order) and c.level not in {level.name for level in a.levels}:
        yield f"unknown level {c.level}"
    if isinstance(c, Keep) and not c.tensors <= next((x.optional for x in a.levels if x.name == c.level), frozenset()):
        yield f"{c.level} has no choice about some of {sorted(c.tensors)}"
    if isinstance(c, Require):
        yield from _formula(c.formula, a)
    for f in _leaves(c.scope.condition) if c.scope.condition else ():
        if isinstance(f, Factor | TileExtent | Utilization | Occupancy | ComputeInUse):
            yield "conditions must use bit-widths and sizes only"


def _formula(formula: Formula, a: Accelerator) -> Iterator[str]:
    for f in _leaves(formula):
        if isinstance(f, Factor) and f.place not in a.places:
            yield f"unknown place {f.place}"
        if isinstance(f, TileExtent | Occupancy) and f.level not in {level.name for level in a.levels}:
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
