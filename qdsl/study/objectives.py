"""Objectives of whole populations of designs, from the layers' tables.

A design is a row of option indices, one per variable of the precision space. All objectives are minimised. Each is made of
*parts* that few variables have: their sum, or for a peak the largest of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qdsl.model.network import Layer
from qdsl.model.operator import Tensor
from qdsl.model.study import OBJECTIVES, TIMED, Study
from qdsl.study.alive import live_activations
from qdsl.study.measuring import Errors
from qdsl.study.result import OBJECTIVE_UNITS
from qdsl.study.tables import LayerTable, Tables

Designs = npt.NDArray[np.int64]  # [designs, variables]
Values = npt.NDArray[np.float64]  # [designs, objectives]
Array = npt.NDArray[np.float64]

PEAKS = ("activation_memory",)
"""Objectives that are the largest of their parts; the others are the sum."""


@dataclass(frozen=True)
class Part:
    """What some variables contribute to an objective. layer: where; values: float64, one axis per variable over its
    options."""

    layer: str
    variables: tuple[int, ...]
    values: Array

    def of(self, designs: Designs) -> Array:
        """float64[designs]"""
        found: Array = np.asarray(self.values)[tuple(designs[:, v] for v in self.variables)]
        return np.broadcast_to(found, (len(designs),))


@dataclass(frozen=True)
class Evaluator:
    """Values of designs, inf where a layer has no legal mapping. errors: None for a study that measures none."""

    study: Study
    tables: tuple[LayerTable, ...]
    errors: Errors | None = None

    def values(self, designs: Designs, objectives: tuple[str, ...] | None = None) -> Values:
        """float64[designs, objectives]; objectives default to the study's."""
        names = self.study.objectives if objectives is None else objectives
        found = np.stack([self._value(name, designs) for name in names], axis=1)
        if "energy" not in names:
            found[self.infeasible_layers(designs) > 0] = np.inf
        return found

    @property
    def known(self) -> tuple[str, ...]:
        """Objectives that have values in this study; the area only if it is minimised, the error only if it is measured."""
        absent = {*(() if self.study.timed else TIMED), *({"area"} - set(self.study.objectives))}
        absent |= set() if self.measures else {"error"}
        absent |= {"sensitivity"} - set(self.study.objectives)
        return tuple(name for name in OBJECTIVES if name not in absent)

    def _value(self, name: str, designs: Designs) -> Array:
        if name in PEAKS:
            return self._peak(designs)
        if name == "edp":
            return self._value("energy", designs) * self._value("latency", designs)
        if name == "error":
            return self.measured(designs)
        total = np.zeros(len(designs))
        for part in self.parts(name):
            total += part.of(designs)
        return _in_decibels(total) if OBJECTIVE_UNITS[name] == "dB" else total

    @property
    def measures(self) -> bool:
        """Whether the study asks for the errors of its designs."""
        return "error" in self.study.objectives or self.study.largest_error is not None

    def measured(self, designs: Designs, whole: bool = False) -> Array:
        """Errors in per cent, inf for designs without a mapping, which are not trained. whole: see `Errors.of`."""
        if self.errors is None:
            raise ValueError("the errors of this study's designs are not measured")
        costs = self.values(designs, tuple(dict.fromkeys(("energy", *self._tabulated))))
        legal = np.isfinite(costs).all(axis=1)
        found = np.full(len(designs), np.inf)
        found[legal] = self.errors.of([self.choice(d) for d in designs[legal]], costs[legal], whole)
        return found

    def violation(self, designs: Designs) -> Array:
        """float64[designs], 0 for those that may be an answer: 100 for every layer without a mapping; of the others, by how
        many per cent the error is above the limit."""
        layers = self.infeasible_layers(designs)
        found: Array = np.multiply(layers, 100.0, dtype=np.float64)
        if self.study.largest_error is not None:
            legal = layers == 0
            found[legal] = np.maximum(0.0, self.measured(designs[legal]) - self.study.largest_error)
        return found

    @property
    def additive(self) -> Evaluator:
        """Of the same designs, with the noise in place of the error: what a search starts from."""
        if not self.measures:
            return self
        objectives = tuple(dict.fromkeys((*self._tabulated, "noise")))
        return Evaluator(replace(self.study, objectives=objectives, accuracy=None, largest_error=None), self.tables)

    @property
    def _tabulated(self) -> tuple[str, ...]:
        """The objectives that follow from tables."""
        return tuple(name for name in self.study.objectives if name != "error")

    def parts(self, name: str) -> tuple[Part, ...]:
        """Of a sum; power of the noise, not decibels."""
        if name not in self._parts:
            self._parts[name] = tuple(_PARTS[name](self))
        return self._parts[name]

    @cached_property
    def _parts(self) -> dict[str, tuple[Part, ...]]:
        return {}

    @cached_property
    def alive(self) -> tuple[tuple[str, tuple[tuple[int | None, int], ...]], ...]:
        """Per layer the (variable, values) of the activations alive while it runs."""
        return live_activations(self.study)

    def _peak(self, designs: Designs) -> Array:
        """Bits of the activations that are alive while a layer runs, at most over all layers: what it reads and writes, and
        what was written and is still to be read. Layers run in the order written, and nothing is overwritten in place: an
        upper bound on what the network needs, without padding to words."""
        peak = np.zeros(len(designs))
        for _, activations in self.alive:
            bits = np.zeros(len(designs))
            for variable, values in activations:
                bits += self.of_width("", variable, values * self.widths_of(variable)).of(designs)
            peak = np.maximum(peak, bits)
        return peak

    def divided(self, values: Values, factor: float) -> Values:
        """Values of the study's objectives if every total were less by a factor; one in dB is less by its decibels."""
        decibels = [OBJECTIVE_UNITS[name] == "dB" for name in self.study.objectives]
        return np.where(decibels, values - 10 * np.log10(factor), values / factor)

    def infeasible_layers(self, designs: Designs) -> npt.NDArray[np.int64]:
        """int64[designs]: how many layers have no legal mapping."""
        count = np.zeros(len(designs), np.int64)
        for table in self.tables:
            count += ~np.isfinite(Part(table.layer, table.variables, table.energy_pj).of(designs))
        return count

    @cached_property
    def options(self) -> tuple[npt.NDArray[np.int64], ...]:
        """Widths each variable may take, ascending."""
        return tuple(np.array(v.options, np.int64) for v in self.study.precision.variables)

    @property
    def option_counts(self) -> npt.NDArray[np.int64]:
        """int64[variables]"""
        return np.array([len(o) for o in self.options], np.int64)

    @property
    def designs(self) -> int:
        """How many there are, legal or not."""
        return int(self.option_counts.prod(dtype=object))

    def choice(self, design: npt.NDArray[np.int64]) -> tuple[int, ...]:
        """Widths of one design."""
        return tuple(int(o[i]) for o, i in zip(self.options, design, strict=True))

    def widths(self, designs: Designs) -> npt.NDArray[np.int64]:
        """int64[designs, variables]: widths in place of option indices."""
        columns = [o[designs[:, v]] for v, o in enumerate(self.options)]
        return np.stack(columns, axis=1) if columns else designs

    @cached_property
    def bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(best, worst), each float64[objectives]: every legal design lies between them. When every width is
        feasible, the narrowest and the widest design attain them."""
        counts = self.option_counts
        narrowest_and_widest = np.stack([np.zeros_like(counts), counts - 1])
        ends = np.tile([[0.0], [100.0]], len(self.study.objectives))  # of an error
        for i, name in enumerate(self.study.objectives):
            if name != "error":
                ends[:, i] = self._value(name, narrowest_and_widest)
        best, worst = ends.min(axis=0), ends.max(axis=0)
        for i, name in enumerate(self.study.objectives):
            if name in ("energy", *TIMED):
                best[i], worst[i] = self._extremes(name)
        return best, worst

    def _extremes(self, name: str) -> tuple[float, float]:
        """Sums of the least and of the largest values of the layers; for edp their products."""
        if name == "edp":
            (least_pj, most_pj), (fewest, most) = self._extremes("energy"), self._extremes("latency")
            return least_pj * fewest, most_pj * most
        legal = [part.values[np.isfinite(part.values)] for part in self.parts(name)]
        return sum(float(v.min()) for v in legal), sum(float(v.max()) for v in legal)

    @property
    def spans(self) -> npt.NDArray[np.float64]:
        """float64[objectives]: the differences that count as 1, positive. From 0 to the worst value where 0 means
        nothing is spent, from the best to the worst where values are in dB."""
        best, worst = self.bounds
        spans = np.where([OBJECTIVE_UNITS[name] == "dB" for name in self.study.objectives], worst - best, worst)
        return np.where(spans > 0, spans, 1.0)

    @cached_property
    def roles(self) -> tuple[tuple[Layer, Tensor, int | None], ...]:
        """(layer, tensor, variable or None) of the weights and input activations of all layers with weights."""
        assignment = {layer: dict(tensors) for layer, tensors in self.study.precision.assignment}
        return tuple(
            (layer, tensor, assignment[layer.name][tensor.name])
            for layer in self.study.network.layers
            if layer.has_weights
            for tensor in layer.problem.operator.inputs
        )

    def widths_of(self, variable: int | None) -> Array:
        """float64[options]: widths of one variable, None for the outputs' width."""
        if variable is None:
            return np.array([float(self.study.precision.output_bits)])
        return self.options[variable].astype(np.float64)

    def of_width(self, layer: str, variable: int | None, values: Array) -> Part:
        """What depends on one width. values: one per entry of `widths_of`."""
        return Part(layer, (), values[0]) if variable is None else Part(layer, (variable,), values)


def evaluator(study: Study, tables: Tables) -> Evaluator:
    return Evaluator(study, tables.layers)


def _energy(evaluator: Evaluator) -> Iterator[Part]:
    """pJ: sum of the best energies of all layers."""
    for table in evaluator.tables:
        yield Part(table.layer, table.variables, table.energy_pj)


def _latency(evaluator: Evaluator) -> Iterator[Part]:
    """Cycles of all layers, one after the other."""
    for table in evaluator.tables:
        if table.cycles is None:
            raise ValueError("the cycles of this study's mappings are not known")
        yield Part(table.layer, table.variables, table.cycles)


def _weight_memory(evaluator: Evaluator) -> Iterator[Part]:
    """Bits of all weights, without padding to words."""
    for layer, tensor, variable in evaluator.roles:
        if tensor.is_weight:
            bits = layer.problem.values(tensor) * evaluator.widths_of(variable)
            yield evaluator.of_width(layer.name, variable, bits)


def _noise(evaluator: Evaluator) -> Iterator[Part]:
    """Power of the quantisation noise at the network's output relative to the signal: `4^-bits` of the weights and of
    the input activations, summed over the layers with weights; a group of channels counts as much as its share of the
    layer. Uniform quantisation of a full-range signal leaves
    `4^-bits`, and relative powers add along the layers (Lin, Talathi, Annapureddy: Fixed point quantization of deep
    convolutional networks, ICML 2016). It needs no data and ranks designs roughly; it is not an accuracy."""
    for layer, _, variable in evaluator.roles:
        yield evaluator.of_width(layer.name, variable, layer.share * 4.0 ** -evaluator.widths_of(variable))


def _in_decibels(power: Array) -> Array:
    # A network without weights has no noise; any constant will do.
    decibel: Array = 10 * np.log10(np.where(power > 0, power, 1.0))
    return decibel


def _area(evaluator: Evaluator) -> Iterator[Part]:
    """mm2 of the accelerator: a constant, counted at the first layer. Only configurations differ in it."""
    area = evaluator.study.accelerator.area_mm2
    assert area is not None  # see check_study
    yield Part(evaluator.study.network.layers[0].name, (), np.array(area))


def _sensitivity(evaluator: Evaluator) -> Iterator[Part]:
    """What every width alone does to the outputs of the network, summed over tensors: what two of them do to each other is
    left out."""
    if evaluator.errors is None:
        raise ValueError("the sensitivities of this study are not known")
    options: dict[str, dict[str, list[int]]] = {}
    for layer, tensor, variable in evaluator.roles:
        if variable is not None:
            options.setdefault(layer.name, {})[tensor.name] = evaluator.options[variable].tolist()
    found = evaluator.errors.sensitivity(options)
    for layer, tensor, variable in evaluator.roles:
        if variable is not None:
            of_width = found[layer.name][tensor.name]
            yield Part(layer.name, (variable,), np.array([of_width[int(b)] for b in evaluator.options[variable]]))


_PARTS: Mapping[str, Callable[[Evaluator], Iterator[Part]]] = {
    "energy": _energy,
    "latency": _latency,
    "weight_memory": _weight_memory,
    "noise": _noise,
    "sensitivity": _sensitivity,
    "area": _area,
}
