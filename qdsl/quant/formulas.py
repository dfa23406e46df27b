"""Energy and cycles of one mapping as functions of torch: the formulas of `qdsl.symbolic`, recorded once and run on tensors.

What widths mean to the machine (values per word, energy and rate of an operation) is their mean over the shares: so the
functions are smooth in the shares, and exact where each tensor has one width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import add, mul, sub, truediv
from typing import Any

import torch
from torch import Tensor

from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping as LayerMapping
from qdsl.model.operator import Problem
from qdsl.quant.grid import straight
from qdsl.symbolic.evaluate import evaluate_nest
from qdsl.symbolic.nest import nest_of
from qdsl.symbolic.trace import Graph, Node
from qdsl.symbolic.widths import Packing, Widths, widths_of

SLACK = 1e-9
"""Quotients so little above a whole number, of it, are that number: means of fractions are rounded."""

Options = Mapping[str, Sequence[int]]
"""Tensor of the operator -> widths."""


@dataclass(frozen=True)
class CostFormula:
    """tensors: whose shares are needed, in this order. parameters: float64[choices, parameters], of every choice of a width
    for each tensor, the first tensor's changing slowest."""

    tensors: tuple[str, ...]
    parameters: Tensor
    _program: Program

    def __call__(self, shares: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """(energy in pJ, cycles). shares: of every tensor a vector over its widths, of sum 1."""
        weight = reduce(lambda a, b: (a.unsqueeze(1) * b).reshape(-1), (s.double() for s in shares))
        energy, cycles = self._program(weight @ self.parameters.to(weight.device))
        return energy, cycles


def cost_formula(accelerator: Accelerator, problem: Problem, mapping: LayerMapping, options: Options) -> CostFormula:
    """mapping: in perfect factors, legal for the widest of all widths, and so for the others. Raises ValueError for imperfect
    factors, SpecError where the accelerator is not defined at some widths."""
    if mapping.imperfect:
        raise ValueError("mappings in imperfect factors have no formula")
    accelerator = accelerator.resolved(mapping.bypass)
    tensors = tuple(options)
    rows = [
        _parameters(accelerator, widths_of(accelerator, problem, dict(zip(tensors, bits, strict=True))))
        for bits in product(*options.values())
    ]
    graph = Graph()
    like = widths_of(accelerator, problem, {t: min(o) for t, o in options.items()})
    widths, symbols = _symbols(accelerator, graph, like)
    found = evaluate_nest(nest_of(accelerator, problem, mapping), widths, problem.operations)
    program = Program(graph, symbols, (found.energy_pj, found.cycles))
    return CostFormula(tensors, torch.tensor(rows, dtype=torch.float64), program)


class Program:
    """What a graph says, operation by operation. inputs: its symbols; outputs: nodes or numbers."""

    def __init__(self, graph: Graph, inputs: Sequence[Node], outputs: Sequence[Any]) -> None:
        places = {node.index: i for i, node in enumerate(inputs)}
        self._inputs = places
        self._outputs = outputs
        needed = graph.needed([x for x in outputs if isinstance(x, Node)])
        self._steps = [(i, graph.operations[i]) for i in needed if i not in places]

    def __call__(self, inputs: Tensor) -> list[Tensor]:
        """inputs: float64[symbols]. Gradients are those without rounding up."""
        values: dict[int, Tensor] = {i: inputs[place] for i, place in self._inputs.items()}
        for i, operation in self._steps:
            operands = [values[x.index] if isinstance(x, Node) else x for x in operation.operands]
            values[i] = FUNCTIONS[operation.function](*operands)
        return [values[x.index] if isinstance(x, Node) else inputs.new_tensor(float(x)) for x in self._outputs]


def _parameters(accelerator: Accelerator, widths: Widths) -> list[float]:
    """Of one choice of widths, in the order of `_symbols`: energy and cycles of an operation and of how many that is, then of
    every stored tensor the bits and the words of a value."""
    numerator, denominator = widths.cycles
    found = [float(widths.operation_pj), numerator / denominator, 1.0]
    for level, tensor in widths.packing:
        packing = widths.packing[level, tensor]
        found += [packing.stored] if accelerator.level(level).dense else [packing.stored, 1 / packing.per]
    return found


def _symbols(accelerator: Accelerator, graph: Graph, like: Widths) -> tuple[Widths, list[Node]]:
    """Widths with a symbol for every parameter."""
    names = ("energy of an operation", "cycles of an operation", "operations of these cycles")
    symbols = [graph.symbol(name, whole=False) for name in names]
    packing = {}
    for level, tensor in like.packing:
        stored = graph.symbol(f"bits of {tensor} at {level}")
        symbols.append(stored)
        if accelerator.level(level).dense:
            packing[level, tensor] = Packing(stored, accelerator.level(level).word_bits, stored)
        else:
            words = graph.symbol(f"words of {tensor} at {level}", whole=False)
            symbols.append(words)
            packing[level, tensor] = Packing(1, 1 / words, stored)
    return Widths(packing, symbols[0], (symbols[1], symbols[2])), symbols


def _rounded_up(x: Any) -> Tensor:
    return straight(x, torch.ceil(x - SLACK * x.abs()))


def _smaller(a: Any, b: Any) -> Tensor:
    a, b = _both(a, b)
    return torch.minimum(a, b)


def _larger(a: Any, b: Any) -> Tensor:
    a, b = _both(a, b)
    return torch.maximum(a, b)


def _both(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    like = a if isinstance(a, Tensor) else b
    return torch.as_tensor(a).to(like), torch.as_tensor(b).to(like)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "add": lambda *x: reduce(add, x),
    "multiply": lambda *x: reduce(mul, x),
    "subtract": sub,
    "divide": truediv,
    "ceil_div": lambda a, b: _rounded_up(a / b),
    "round_up": lambda a: _rounded_up(a),
    "real": lambda a: a,
    "smaller": _smaller,
    "larger": _larger,
}
"""All that depends on widths; whatever else is in the formulas depends on the loops alone, which are numbers here."""
