"""Objectives of whole populations of designs, from the layers' tables.

A design is a row of option indices, one per variable of the precision space. All objectives are minimised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qdsl.model.network import Layer
from qdsl.model.operator import Tensor
from qdsl.model.study import Study
from qdsl.study.result import OBJECTIVE_UNITS
from qdsl.study.tables import LayerTable, Tables

Designs = npt.NDArray[np.int64]  # [designs, variables]
Values = npt.NDArray[np.float64]  # [designs, objectives]


@dataclass(frozen=True)
class Evaluator:
    """Values of designs. `energy` is inf where a layer has no legal mapping."""

    study: Study
    tables: tuple[LayerTable, ...]

    def values(self, designs: Designs, objectives: tuple[str, ...] | None = None) -> Values:
        """float64[designs, objectives]; objectives default to the study's."""
        names = self.study.objectives if objectives is None else objectives
        return np.stack([_OBJECTIVES[name](self, designs) for name in names], axis=1)

    def infeasible_layers(self, designs: Designs) -> npt.NDArray[np.int64]:
        """int64[designs]: how many layers have no legal mapping."""
        count = np.zeros(len(designs), np.int64)
        for table in self.tables:
            count += ~np.isfinite(_lookup(table, designs))
        return count

    @cached_property
    def options(self) -> tuple[npt.NDArray[np.int64], ...]:
        """Widths each variable may take, ascending."""
        return tuple(np.array(v.options, np.int64) for v in self.study.precision.variables)

    @property
    def option_counts(self) -> npt.NDArray[np.int64]:
        """int64[variables]"""
        return np.array([len(o) for o in self.options], np.int64)

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
        ends = self.values(np.stack([np.zeros_like(counts), counts - 1]))
        legal = [t.energy_pj[np.isfinite(t.energy_pj)] for t in self.tables]
        is_energy = [name == "energy" for name in self.study.objectives]
        best = np.where(is_energy, sum(float(e.min()) for e in legal), ends.min(axis=0))
        worst = np.where(is_energy, sum(float(e.max()) for e in legal), ends.max(axis=0))
        return best, worst

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

    def column(self, widths: npt.NDArray[np.int64], variable: int | None) -> npt.NDArray[np.float64]:
        """float64[designs]: width of one variable, None for the outputs' width."""
        if variable is None:
            return np.full(len(widths), float(self.study.precision.output_bits))
        return widths[:, variable].astype(np.float64)


def evaluator(study: Study, tables: Tables) -> Evaluator:
    return Evaluator(study, tables.layers)


def _energy(evaluator: Evaluator, designs: Designs) -> npt.NDArray[np.float64]:
    """pJ: sum of the best energies of all layers."""
    total = np.zeros(len(designs))
    for table in evaluator.tables:
        total += _lookup(table, designs)
    return total


def _weight_memory(evaluator: Evaluator, designs: Designs) -> npt.NDArray[np.float64]:
    """Bits of all weights, without padding to words."""
    widths = evaluator.widths(designs)
    total = np.zeros(len(designs))
    for layer, tensor, variable in evaluator.roles:
        if tensor.is_weight:
            total += float(layer.problem.values(tensor)) * evaluator.column(widths, variable)
    return total


def _noise(evaluator: Evaluator, designs: Designs) -> npt.NDArray[np.float64]:
    """Power of the quantisation noise at the network's output relative to the signal: `4^-bits` of the weights and of
    the input activations, summed over the layers with weights; a group of channels counts as much as its share of the
    layer. Uniform quantisation of a full-range signal leaves
    `4^-bits`, and relative powers add along the layers (Lin, Talathi, Annapureddy: Fixed point quantization of deep
    convolutional networks, ICML 2016). It needs no data and ranks designs roughly; it is not an accuracy."""
    widths = evaluator.widths(designs)
    total = np.zeros(len(designs))
    for layer, _, variable in evaluator.roles:
        total += layer.share * 4.0 ** -evaluator.column(widths, variable)
    # A network without weights has no such noise; any constant will do.
    decibel: npt.NDArray[np.float64] = 10 * np.log10(np.where(total > 0, total, 1.0))
    return decibel


def _area(evaluator: Evaluator, designs: Designs) -> npt.NDArray[np.float64]:
    """mm2 of the configuration. Only configurations differ in it."""
    area = evaluator.study.accelerator.area_mm2
    assert area is not None  # see check_study
    return np.full(len(designs), area)


def _lookup(table: LayerTable, designs: Designs) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = table.energy_pj[tuple(designs[:, v] for v in table.variables)]
    return np.broadcast_to(found, (len(designs),))


_OBJECTIVES: Mapping[str, Callable[[Evaluator, Designs], npt.NDArray[np.float64]]] = {
    "energy": _energy,
    "weight_memory": _weight_memory,
    "noise": _noise,
    "area": _area,
}
