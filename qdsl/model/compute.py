"""The checked compute unit: what an operation costs at given bit-widths, or a whole layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from qdsl.diagnostics import Span
from qdsl.model.operator import Operator, Problem
from qdsl.model.width_formula import WidthFormula

_ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What a whole layer of one operator takes, whatever its mapping. cycles; energy: pJ beside the power of the unit, None
    for none."""

    operator: str
    cycles: WidthFormula
    energy: WidthFormula | None = None


@dataclass(frozen=True, slots=True)
class LayerFigure:
    """A number that is reported of the layers of one operator, and decides nothing."""

    name: str
    operator: str
    value: WidthFormula


@dataclass(frozen=True)
class ComputeUnit:
    """The innermost level. energy: pJ per operation, a formula if it depends on bit-widths; throughput: operations per
    cycle, None for one. leakage_pj: per cycle; area_mm2: None if not stated; both of one instance.

    layers: the cost of layers by operator, which then stands for energy and throughput; power_pj: per cycle of a layer;
    figures: what is reported beside it.
    """

    name: str
    energy: float | WidthFormula
    source: str | None = None
    throughput: WidthFormula | None = None
    leakage_pj: float = 0.0
    area_mm2: float | None = None
    layers: tuple[LayerCost, ...] = ()
    power_pj: float = 0.0
    figures: tuple[LayerFigure, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)

    def cost(self, operator: Operator) -> LayerCost | None:
        """Of the layers of an operator."""
        return next((c for c in self.layers if c.operator == operator.name), None)

    def formulas(self, operator: Operator) -> tuple[WidthFormula, ...]:
        """Those that say what a layer of an operator costs."""
        cost = self.cost(operator)
        figures = [f.value for f in self.figures if f.operator == operator.name]
        found = [cost.cycles, cost.energy, *figures] if cost else [self.energy, self.throughput]
        return tuple(f for f in found if isinstance(f, WidthFormula))

    def reported(self, problem: Problem, bits: Mapping[str, int]) -> tuple[tuple[str, float], ...]:
        """The figures of a layer, by name."""
        own = [f for f in self.figures if f.operator == problem.operator.name]
        return tuple((f.name, float(f.value.value(problem, bits))) for f in own)

    def operation_pj(self, problem: Problem, bits: Mapping[str, int]) -> float:
        """Energy of one operation at given bit-widths; its share of a layer's. Raises SpecError if it comes out negative."""
        if cost := self.cost(problem.operator):
            fixed = cost.energy.at_least(0, "the energy of a layer", problem, bits) if cost.energy else Fraction(0)
            cycles = ceil(self.cycles_per_operation(problem, bits) * problem.operations)
            return float((fixed + Fraction(str(self.power_pj)) * cycles) / problem.operations)
        if not isinstance(self.energy, WidthFormula):
            return self.energy
        return float(self.energy.at_least(0, "the energy of an operation", problem, bits))

    def cycles_per_operation(self, problem: Problem, bits: Mapping[str, int]) -> Fraction:
        """Of one unit; its share of a layer's. Raises SpecError if it comes out negative, or a throughput not positive."""
        if cost := self.cost(problem.operator):
            return cost.cycles.at_least(0, "the cycles of a layer", problem, bits) / problem.operations
        if self.throughput is None:
            return _ONE
        rate = self.throughput.value(problem, bits)
        if rate <= 0:
            self.throughput.out_of_range("the throughput", "must be positive", rate, problem, bits)
        return 1 / rate
