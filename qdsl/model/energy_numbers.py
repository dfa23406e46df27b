"""The energy numbers of an accelerator, each of which may be another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.compute import ComputeUnit, LayerCost
from qdsl.model.constraint import Constant, Operation
from qdsl.model.width_formula import WidthFormula


@dataclass(frozen=True, slots=True)
class EnergyNumber:
    """kind: 'accesses' of a memory (reads, writes and updates together), 'hops' of an array, 'operations' of the compute unit,
    or the 'leakage' or 'power' of a part."""

    part: str
    kind: str

    def __str__(self) -> str:
        return f"{self.part} {self.kind}"


def energy_numbers(accelerator: Accelerator) -> tuple[EnergyNumber, ...]:
    """All that are not 0, outermost first."""
    return tuple(EnergyNumber(p.name, kind) for p in _parts(accelerator) for kind in _kinds(p))


def scaled(accelerator: Accelerator, number: EnergyNumber, factor: float) -> Accelerator:
    """The accelerator with one of its numbers times a factor of at least 0."""
    hierarchy = tuple(_scaled(p, number.kind, factor) if p.name == number.part else p for p in accelerator.hierarchy)
    compute = accelerator.compute
    if compute.name == number.part:
        compute = _scaled_unit(compute, number.kind, factor)
    return replace(accelerator, hierarchy=hierarchy, compute=compute)


def _parts(accelerator: Accelerator) -> Iterator[StorageLevel | FanOut | ComputeUnit]:
    yield from accelerator.hierarchy
    yield accelerator.compute


def _kinds(part: StorageLevel | FanOut | ComputeUnit) -> Iterator[str]:
    if isinstance(part, FanOut):
        if part.hop_pj_per_bit:
            yield "hops"
        return
    if isinstance(part, StorageLevel):
        if part.energy.read_pj or part.energy.write_pj or part.energy.update_pj:
            yield "accesses"
    else:
        if any(c.energy for c in part.layers) or (not part.layers and part.energy):
            yield "operations"
        if part.power_pj:
            yield "power"
    if part.leakage_pj:
        yield "leakage"


def _scaled(part: StorageLevel | FanOut, kind: str, factor: float) -> StorageLevel | FanOut:
    if isinstance(part, FanOut):
        return replace(part, hop_pj_per_bit=part.hop_pj_per_bit * factor)
    if kind == "leakage":
        return replace(part, leakage_pj=part.leakage_pj * factor)
    e = part.energy
    energy = replace(e, read_pj=e.read_pj * factor, write_pj=e.write_pj * factor, update_pj=e.update_pj * factor)
    return replace(part, energy=energy)


def _scaled_unit(unit: ComputeUnit, kind: str, factor: float) -> ComputeUnit:
    match kind:
        case "leakage":
            return replace(unit, leakage_pj=unit.leakage_pj * factor)
        case "power":
            return replace(unit, power_pj=unit.power_pj * factor)
        case _:
            layers = tuple(_scaled_cost(c, factor) for c in unit.layers)
            return replace(unit, energy=_times(unit.energy, factor), layers=layers)


def _scaled_cost(cost: LayerCost, factor: float) -> LayerCost:
    return replace(cost, energy=_formula(cost.energy, factor)) if cost.energy else cost


def _times(energy: float | WidthFormula, factor: float) -> float | WidthFormula:
    return _formula(energy, factor) if isinstance(energy, WidthFormula) else energy * factor


def _formula(energy: WidthFormula, factor: float) -> WidthFormula:
    return replace(energy, formula=Operation("*", (Constant(factor), energy.formula)))
