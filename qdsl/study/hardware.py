"""What a study found on each configuration of the searched parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from qdsl.model.study import Study
from qdsl.study.funnel import Searched
from qdsl.study.result import ConfigurationResult, DesignPoint, WidthPair


def configuration_results(
    study: Study, searched: Sequence[Searched], front: Sequence[DesignPoint]
) -> tuple[ConfigurationResult, ...]:
    """One per configuration, in the order of the study. front: of all configurations together."""
    found = {s.index: s for s in searched}
    results = []
    for index, configuration in enumerate(study.hardware):
        machine = configuration.accelerator
        energies, memories = _own_front(found[index]) if index in found else ((), ())
        results.append(
            ConfigurationResult(
                configuration.values,
                machine.area_mm2,
                machine.capacity_bits,
                machine.compute_instances,
                energies,
                memories,
                sum(point.hardware == index for point in front),
                tuple(_pairs(found[index])) if index in found else (),
            )
        )
    return tuple(results)


def _pairs(one: Searched) -> Iterator[WidthPair]:
    """Every pair of widths that all variables may have."""
    variables = one.study.precision.variables
    common = {
        role: sorted(set.intersection(*(set(v.options) for v in variables if v.role == role)))
        for role in {v.role for v in variables}
    }
    names = ("energy", "latency") if one.study.timed else ("energy",)
    for weights, activations in product(common.get("weights", ()), common.get("activations", ())):
        widths = {"weights": weights, "activations": activations}
        design = np.array([[v.options.index(widths[v.role]) for v in variables]])
        energy, *cycles = (float(x) for x in one.evaluator.values(design, names)[0])
        if np.isfinite(energy):
            yield WidthPair(weights, activations, energy, cycles[0] if cycles else None)


def _own_front(one: Searched) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Energies in pJ and weight memories in bits of its own front, by ascending energy."""
    designs = one.archive.designs if one.own is None else one.own
    values = one.evaluator.values(designs, ("energy", "weight_memory"))
    order = np.argsort(values[:, 0], kind="stable")
    energies, memories = (tuple(float(x) for x in column) for column in values[order].T)
    return energies, memories
