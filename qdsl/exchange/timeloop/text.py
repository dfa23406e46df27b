"""A machine, a problem, a mapping and constraints of Timeloop as one qdsl text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qdsl.exchange.timeloop.constraints import Rules, statements
from qdsl.exchange.timeloop.mapping import Nest
from qdsl.exchange.timeloop.parts import Energy, Machine, Memory, Mesh, Unit, written
from qdsl.exchange.timeloop.problem import Axis, DataSpace, Problem

_WEIGHTS = re.compile("weight|filter|kernel", re.IGNORECASE)
NETWORK, LAYER = "timeloop", "problem"


@dataclass(frozen=True)
class Parts:
    """What was read; mapping: None if there is none. dropped: memories that keep nothing and have no loops."""

    machine: Machine
    problem: Problem
    rules: Rules
    nest: Nest | None
    dropped: frozenset[str]

    @property
    def bits(self) -> dict[str, int]:
        """Width of every tensor; where none is stated a word of the backing store, as every value takes one word."""
        word = self.machine.memories[0].word_bits
        return {t.name: self.problem.bits.get(t.name, word) for t in self.problem.tensors}

    def decided(self, memory: Memory, tensor: str) -> bool | None:
        """Whether constraints let a memory keep a tensor; None if they leave it open."""
        if memory is self.machine.memories[0] or (memory.name, tensor) in self.rules.keep:
            return True
        return False if (memory.name, tensor) in self.rules.bypass else None


def qdsl_text(parts: Parts, origin: str) -> str:
    """Not laid out yet. origin: the files it is from."""
    directives = [d for d in parts.rules.directives if d.target.name not in parts.dropped or d.kind == "spatial"]
    constraints = [line for d in directives for line in statements(d, parts.problem.dims)]
    constraints += _kept_nothing(parts)
    constraints += [
        f"occupancy({written(m.name)}) >= {m.least_used * 100:g} %" for m in parts.machine.memories if m.least_used > 0
    ]
    blocks: list[Iterable[str]] = [_operator(parts.problem), _accelerator(parts), _network(parts.problem)]
    if constraints:
        blocks.append([f"constraints dataflow for {written(parts.machine.name)} {{", *dict.fromkeys(constraints), "}"])
    if parts.nest is not None:
        blocks.append(_mapping(parts, parts.nest))
    if parts.nest is None or constraints:
        blocks.append(_study(parts, bool(constraints)))
    return f"// From {origin}.\n" + "\n".join("\n".join(block) + "\n" for block in blocks)


def _operator(problem: Problem) -> Iterator[str]:
    output, inputs = problem.output, [t for t in problem.tensors if not t.is_output]
    weights = _weights(problem)
    coefficients = ", ".join(map(written, problem.coefficients))
    sums = set(_dims(output)) != set(problem.dims) or any(len(a) > 1 for a in output.axes)
    yield f"operator {written(problem.name)}{f'({coefficients})' if coefficients else ''} {{"
    yield f"dims {', '.join(map(str.upper, problem.dims))}"
    if weights:
        yield f"weights {', '.join(weights)}"
    yield f"{_access(output)} {'+=' if sums else '='} {' * '.join(map(_access, inputs))}"
    yield "}"


def _weights(problem: Problem) -> list[str]:
    return [written(t.name) for t in problem.tensors if not t.is_output and _WEIGHTS.search(t.name)]


def _dims(tensor: DataSpace) -> Iterator[str]:
    yield from (dim for axis in tensor.axes for dim, _ in axis)


def _access(tensor: DataSpace) -> str:
    return f"{written(tensor.name)}[{', '.join(map(_index, tensor.axes))}]"


def _index(axis: Axis) -> str:
    return " + ".join(f"{written(c)} * {d.lower()}" if c else d.lower() for d, c in axis)


def _accelerator(parts: Parts) -> Iterator[str]:
    machine = parts.machine
    yield f"accelerator {written(machine.name)} {{"
    if machine.clock_hz:
        yield f"clock {machine.clock_hz / 1e6:.12g} MHz"
    forwarded = [written(t.name) for t in parts.problem.tensors if not t.is_output and any(len(a) > 1 for a in t.axes)]
    for part in machine.parts:
        if isinstance(part, Mesh):
            forward = f"; forward {', '.join(forwarded)}" if forwarded else ""
            yield f"array {written(part.name)} {{ x {part.x}; y {part.y}{forward}; pooled }}"
        elif part.name not in parts.dropped:
            yield f"memory {written(part.name)} {{ {'; '.join(_memory(parts, part))} }}"
    yield f"compute {written(machine.unit.name)} {{ {'; '.join(_unit(machine.unit))} }}"
    yield "}"


def _unit(unit: Unit) -> Iterator[str]:
    if (energy := unit.energy) is not None:
        yield f"energy {_number(energy.read_pj)} pJ"
        yield _source(energy.source)
        yield from _leakage(energy)
    yield from _area(unit.area_mm2)


def _memory(parts: Parts, memory: Memory) -> Iterator[str]:
    yield f"word {memory.word_bits} bit"
    yield f"width {memory.block_words * memory.word_bits} bit"
    if memory.size_words is not None and memory is not parts.machine.memories[0]:
        yield f"size {memory.size_words} word"
    tensors = [t.name for t in parts.problem.tensors]
    kept = [written(t) for t in tensors if parts.decided(memory, t)]
    open_ = [written(t) for t in tensors if parts.decided(memory, t) is None]
    if kept and len(kept) < len(tensors):
        yield f"keep {', '.join(kept)}"
    if open_ or not kept:
        yield f"may keep {', '.join(open_ or [written(tensors[0])])}"
    own = [t for t in tensors if t not in parts.problem.bits and parts.decided(memory, t) is not False]
    if widened := [f"{written(t)} = {memory.word_bits}" for t in own if memory.word_bits != parts.bits[t]]:
        yield f"bits {', '.join(widened)}"
    if memory.doubled:
        yield "double_buffered"
    if (energy := memory.energy) is not None:
        update = "" if energy.update_pj == energy.write_pj else f", update {_number(energy.update_pj)} pJ"
        yield f"energy read {_number(energy.read_pj)} pJ, write {_number(energy.write_pj)} pJ{update}"
        yield _source(energy.source)
        yield from _leakage(energy)
    rates = (("read", memory.read_bandwidth), ("write", memory.write_bandwidth))
    if limited := [f"{access} {_number(rate)} word/cycle" for access, rate in rates if rate]:
        yield f"bandwidth {', '.join(limited)}"
    yield from _area(memory.area_mm2)


def _leakage(energy: Energy) -> list[str]:
    return [f"leakage {_number(energy.leak_pj)} pJ/cycle"] if energy.leak_pj else []


def _area(area_mm2: float | None) -> list[str]:
    return [] if area_mm2 is None else [f"area {_number(area_mm2)} mm2"]


def _source(text: str) -> str:
    return f'source "{text}"'


def _network(problem: Problem) -> Iterator[str]:
    sizes = {
        **{d.upper(): n for d, n in problem.sizes.items()},
        **{written(c): n for c, n in problem.coefficients.items()},
    }
    arguments = ", ".join(f"{name} = {value}" for name, value in sizes.items())
    yield f"network {NETWORK} {{\nlayer {LAYER} = {written(problem.name)}({arguments})\n}}"


def _mapping(parts: Parts, nest: Nest) -> Iterator[str]:
    machine = parts.machine
    yield f"mapping written for {NETWORK}.{LAYER} onto {written(machine.name)} {{"
    yield f"bits {', '.join(f'{written(t)} = {width}' for t, width in parts.bits.items())}"
    for memory in machine.memories[1:]:
        away = [written(t) for t in parts.bits if parts.decided(memory, t) is None and (memory.name, t) in nest.bypass]
        if _keeps_nothing(parts, memory) and memory.name not in parts.dropped:
            away = [written(next(iter(parts.bits)))]
        if away:
            yield f"bypass {written(memory.name)}: {', '.join(away)}"
    for part in machine.parts:
        axes = ("",) if isinstance(part, Memory) else (".x", ".y")
        for axis in axes:
            if loops := nest.loops.get(part.name + axis):
                kind = "parallel" if axis else "for"
                yield f"{written(part.name)}{axis}: {kind} {', '.join(f'{d.upper()} {n}' for d, n in loops)}"
    yield "}"


def _study(parts: Parts, constrained: bool) -> Iterator[str]:
    """To search at the one choice of widths that the files state."""
    weights = set(_weights(parts.problem))
    output = parts.problem.output.name
    widths = {name: width for name, width in parts.bits.items() if name != output}
    own = {w for name, w in widths.items() if written(name) in weights} or set(widths.values())
    others = {w for name, w in widths.items() if written(name) not in weights} or own
    yield f"study search {{\nmap {NETWORK} onto {written(parts.machine.name)}\nprecision {{"
    yield f"weights in {{{max(own)}}} per layer\nactivations in {{{max(others)}}} per layer"
    yield f"output {parts.bits[output]} bit\n}}"
    if constrained:
        yield "constrain with dataflow"
    yield "minimize energy\nsearch exact\n}"


def _keeps_nothing(parts: Parts, memory: Memory) -> bool:
    return all(parts.decided(memory, t) is False for t in parts.bits)


def _kept_nothing(parts: Parts) -> Iterator[str]:
    """A memory that keeps no tensor is said to bypass the only one that it may keep."""
    for memory in parts.machine.memories:
        if _keeps_nothing(parts, memory) and memory.name not in parts.dropped:
            yield f"bypass {written(memory.name)}: {written(next(iter(parts.bits)))}"


def _number(value: float) -> str:
    return f"{value:.17g}" if float(f"{value:.12g}") != value else f"{value:.12g}"
