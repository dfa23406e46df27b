"""Kernels that evaluate many mappings with the same loop orders at once: all counts, energy, cycles and legality.

`evaluate_nest` and `fits` run once with nodes of a graph for numbers (`trace`), and `blocks` makes numpy code of what they
did. So the numbers are those of `evaluate` and `legality`, to the last bit.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

from qdsl.model.accelerator import Accelerator
from qdsl.model.operator import Operator
from qdsl.symbolic import result
from qdsl.symbolic.blocks import block_namespace, block_source
from qdsl.symbolic.evaluate import evaluate_nest
from qdsl.symbolic.exactness import EXACT, Bound, bounds
from qdsl.symbolic.kernel_cache import cached
from qdsl.symbolic.limits import fits
from qdsl.symbolic.nest import Nest, NestLoop, places
from qdsl.symbolic.result import Evaluation
from qdsl.symbolic.trace import Graph, Node
from qdsl.symbolic.widths import Packing, Widths

BLOCK = 8192
"""Mappings that are worked on together: enough to make a call of numpy worth its while, few enough for the cache."""


@dataclass(frozen=True)
class Evaluated:
    """legal: a bool for every mapping. numbers: an `Evaluation` with a float64 array in place of every number, or one number
    where all mappings have the same; whole numbers are exact. Of a mapping with a tensor too wide for a word they mean
    nothing."""

    legal: Any
    numbers: Evaluation

    def __len__(self) -> int:
        return len(self.legal)

    def at(self, index: int) -> Evaluation:
        """The evaluation of one mapping."""
        evaluation: Evaluation = _at(self.numbers, index, float)
        return evaluation


@dataclass(frozen=True)
class EvaluationKernel:
    """loops: (place, dimension) of the loops, outermost first; `apart`, their positions, must have more than one iteration.
    stores: (level, tensor, whether densely packed) of all that is kept. source: the generated code."""

    loops: tuple[tuple[str, str], ...]
    apart: frozenset[int]
    stores: tuple[tuple[str, str, bool], ...]
    source: str = field(repr=False)
    _code: MappingABC[str, Any] = field(repr=False, compare=False)

    def __call__(self, factors: Sequence[Any], widths: Widths) -> Evaluated:
        """Evaluates mappings. factors: of every loop an array of integers from 1 on, or an integer; widths: also with arrays
        in place of numbers.

        Raises ValueError for other factors, and OverflowError if a count could reach 2**53, where float64 is not exact.
        """
        import numpy as np

        loops = [np.asarray(f) for f in factors]
        self._check(loops)
        energy, *stored = (np.asarray(x) for x in _parameters(widths, self.stores))
        inputs = [*loops, *(np.maximum(x, 1) for x in stored), energy]
        (count,) = np.broadcast_shapes((1,), *(x.shape for x in inputs))
        out = np.empty((self._code["OUTPUTS"], count))
        self._run([np.broadcast_to(x, count) if x.ndim else float(x) for x in inputs], out)
        legal, numbers = self._code["evaluated"](out)
        limits = [Bound(*b) for b in self._code["BOUNDS"]]
        largest = {i: int(inputs[i].max()) for b in limits for i, _ in b.powers}
        counts = max((b.value(largest) for b in limits), default=1) * np.max(numbers.operations)
        if max(counts, *(x.max() for x in stored)) >= EXACT:
            raise OverflowError("counts of these mappings may be too large for float64")
        return Evaluated(np.broadcast_to(legal, count) * prod(x >= 1 for x in stored) > 0, numbers)

    def _run(self, inputs: Sequence[Any], out: Any) -> None:
        import numpy as np

        block, count = self._code["block"], out.shape[1]
        scratch = np.empty((self._code["REGISTERS"], min(BLOCK, count)))
        with np.errstate(over="ignore", invalid="ignore"):  # counts that are too large are found afterwards
            for start in range(0, count, BLOCK):
                part = slice(start, min(start + BLOCK, count))
                x = [v if isinstance(v, float) else v[part].astype(np.float64, copy=False) for v in inputs]
                block(x, out[:, part], scratch[:, : part.stop - start])

    def _check(self, loops: Sequence[Any]) -> None:
        import numpy as np

        if len(loops) != len(self.loops):
            raise ValueError(f"factors of {len(self.loops)} loops are needed, {len(loops)} are given")
        for i, ((place, dim), factor) in enumerate(zip(self.loops, loops, strict=True)):
            least = 2 if i in self.apart else 1
            if not np.issubdtype(factor.dtype, np.integer) or factor.min() < least:
                raise ValueError(f"factors of `{dim}` at `{place}` must be integers from {least} on")


def evaluation_kernel(
    accelerator: Accelerator, operator: Operator, orders: MappingABC[str, Sequence[str]]
) -> EvaluationKernel:
    """A kernel for nests with given loops. orders: place -> dimensions of its loops, outermost first; the operator's sizes
    are the products of the factors.

    Loops may have one iteration, but not where an array that forwards has the dimension on both axes. Raises ValueError if
    the accelerator is not resolved: what it keeps must not be left to the mapping.
    """
    if any(level.optional for level in accelerator.levels):
        raise ValueError(f"`{accelerator.name}` leaves open what it keeps")
    loops = tuple((place, dim) for _, place, _ in places(accelerator) for dim in orders.get(place, ()))
    return _kernel(accelerator, operator, loops)


@lru_cache(maxsize=128)
def _kernel(accelerator: Accelerator, operator: Operator, loops: tuple[tuple[str, str], ...]) -> EvaluationKernel:
    source = cached((accelerator, operator, loops), lambda: kernel_source(accelerator, operator, loops))
    return EvaluationKernel(loops, _apart(accelerator, loops), _stores(accelerator, operator), source, _load(source))


def kernel_source(accelerator: Accelerator, operator: Operator, loops: Sequence[tuple[str, str]]) -> str:
    """The code of a kernel. block(x, o, r) computes one block, evaluated(o) says what the outputs are; inputs are the factors
    of the loops and the parameters, outputs float64 arrays, registers scratch arrays."""
    graph = Graph()
    nest, factors = _nest(graph, accelerator, operator, loops)
    widths = _widths(graph, accelerator, operator)
    energy, *stored = _parameters(widths, _stores(accelerator, operator))
    inputs = [*factors, *stored, energy]
    numbers = evaluate_nest(nest, widths, prod(nest.sizes.values()))
    legal = fits(nest, widths)
    outputs: dict[int, Node] = {}
    text = f"{_text(legal, outputs)}, {_text(numbers, outputs)}"
    block, registers = block_source("block", graph, inputs, list(outputs.values()))
    limits = bounds(graph, inputs, outputs.values(), len(factors))
    return "\n".join(
        [
            *(f"# x{i}: {_name(graph, node)}" for i, node in enumerate(inputs)),
            f"REGISTERS = {registers}",
            f"OUTPUTS = {len(outputs)}",
            f"BOUNDS = {[(b.coefficient, b.powers) for b in limits]}",
            "",
            "",
            "def evaluated(o):",
            f"    return {text}",
            "",
            "",
            block,
        ]
    )


def _nest(
    graph: Graph, accelerator: Accelerator, operator: Operator, loops: Sequence[tuple[str, str]]
) -> tuple[Nest, list[Node]]:
    """The nest with a node for every factor, and these."""
    factors = [graph.symbol(f"{dim} at {place} ({i})") for i, (place, dim) in enumerate(loops)]
    where = {place: (item, spatial) for item, place, spatial in places(accelerator)}
    nest_loops = tuple(
        NestLoop(dim, factor, *where[place], place) for (place, dim), factor in zip(loops, factors, strict=True)
    )
    sizes = {d: prod(loop.factor for loop in nest_loops if loop.dim == d) for d in operator.dims}
    return Nest(accelerator, operator, sizes, nest_loops), factors


def _stores(accelerator: Accelerator, operator: Operator) -> tuple[tuple[str, str, bool], ...]:
    return tuple(
        (level.name, t.name, level.dense)
        for level in accelerator.levels
        for t in operator.tensors
        if level.keeps(t.name)
    )


def _widths(graph: Graph, accelerator: Accelerator, operator: Operator) -> Widths:
    packing: dict[tuple[str, str], Packing] = {}
    for level, tensor, dense in _stores(accelerator, operator):
        bits = graph.symbol(f"bits of {tensor} at {level}")
        per = accelerator.level(level).word_bits if dense else graph.symbol(f"{tensor} per word of {level}")
        packing[level, tensor] = Packing(bits if dense else 1, per, bits)
    cycles = graph.symbol("cycles"), graph.symbol("per operations")
    return Widths(packing, graph.symbol("energy of an operation", whole=False), cycles)


def _parameters(widths: Widths, stores: Sequence[tuple[str, str, bool]]) -> list[Any]:
    """What a kernel depends on besides the factors, the energy of an operation first; in one order for nodes and numbers."""
    out = [widths.operation_pj, *widths.cycles]
    for level, tensor, dense in stores:
        packing = widths.packing[level, tensor]
        out += [packing.stored] if dense else [packing.stored, packing.per]
    return out


def _apart(accelerator: Accelerator, loops: Sequence[tuple[str, str]]) -> frozenset[int]:
    """Positions of loops that say by having iterations that a dimension is not unrolled on X alone, where that counts."""
    found = set()
    for fanout in accelerator.fanouts:
        x, y = ({dim for place, dim in loops if place == p} for p in fanout.places)
        if fanout.forward:
            found |= {i for i, (place, dim) in enumerate(loops) if place == fanout.places[1] and dim in x & y}
    return frozenset(found)


def _text(x: Any, outputs: dict[int, Node]) -> str:
    """Code that makes an object anew, with `o[i]` for the nodes in it, which are collected as outputs."""
    if isinstance(x, Node):
        outputs.setdefault(x.index, x)
        return f"o[{list(outputs).index(x.index)}]"
    if isinstance(x, tuple):
        return f"({''.join(f'{_text(item, outputs)}, ' for item in x)})"
    if is_dataclass(x):
        arguments = (f"{f.name}={_text(getattr(x, f.name), outputs)}" for f in fields(x))
        return f"{type(x).__name__}({', '.join(arguments)})"
    return repr(x)


def _at(x: Any, index: int, number: Callable[[Any], Any]) -> Any:
    """An object with one element of every array in it. number: `int` for whole numbers, as the types of fields say."""
    if isinstance(x, str):
        return x
    if isinstance(x, tuple):
        return tuple(_at(item, index, float) for item in x)
    if is_dataclass(x) and not isinstance(x, type):
        parts = {f.name: _at(getattr(x, f.name), index, int if f.type == "int" else float) for f in fields(x)}
        return replace(x, **parts)
    return number(x[index] if getattr(x, "ndim", 0) else x)


def _name(graph: Graph, symbol: Node) -> str:
    return str(graph.operations[symbol.index].operands[0])


def _load(source: str) -> dict[str, Any]:
    """The names that generated code defines. A debugger can step into it."""
    filename = f"<qdsl kernel {hash(source):x}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    code: dict[str, Any] = {**block_namespace(), **vars(result)}
    exec(compile(source, filename, "exec"), code)
    return code
