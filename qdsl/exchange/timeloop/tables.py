"""Reference tables of energies (ERT) and areas (ART), as Accelergy writes them beside a Timeloop run."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from qdsl.exchange.timeloop.parts import Energy, Machine, Memory, Unit
from qdsl.exchange.yaml import Node, wrong

Part = TypeVar("Part", Memory, Unit)
SQUARE_MICROMETRES = 1e-6  # in mm2


def with_tables(machine: Machine, energies: Node | None, areas: Node | None, idle: Container[str] = ()) -> Machine:
    """The machine with what the tables say of its parts. idle: memories that are not part of it in the end. Raises SpecError
    where another part is left without energy."""
    actions = dict(_actions(energies)) if energies is not None else {}
    sizes = dict(_areas(areas)) if areas is not None else {}

    def told(part: Part) -> Part:
        energy = _energy(part, actions[part.name]) if part.name in actions else part.energy
        if energy is None:
            wrong(
                part.span,
                f"the energy of `{part.name}` is not known",
                helps=("add the ERT file that Accelergy or `timeloop-model` wrote, or state `vector-access-energy`",),
            )
        return replace(part, energy=energy, area_mm2=sizes.get(part.name, part.area_mm2))

    parts = tuple(told(p) if isinstance(p, Memory) and p.name not in idle else p for p in machine.parts)
    return replace(machine, parts=parts, unit=told(machine.unit))


def _energy(part: Memory | Unit, actions: Mapping[str, float]) -> Energy:
    """By Timeloop's names of actions; an update is a write if it has no energy of its own."""
    if isinstance(part, Unit):
        own = {name: pj for name, pj in actions.items() if name not in ("leak", "idle")}
        return Energy(max(own.values(), default=0.0), 0.0, 0.0, actions.get("leak", 0.0), "ERT of Timeloop")
    write = _action(actions, "random_fill", "random_write", "write")
    update = _action(actions, "random_update", "random_write", "update", "write")
    read = _action(actions, "random_read", "read")
    if read is None or write is None or update is None:
        wrong(part.span, f"the ERT has no energy to read or write `{part.name}`")
    return Energy(read, write, update, actions.get("leak", 0.0), "ERT of Timeloop")


def _action(actions: Mapping[str, float], *names: str) -> float | None:
    return next((actions[n] for n in names if n in actions), None)


def _actions(table: Node) -> Iterator[tuple[str, dict[str, float]]]:
    """Per component its actions in pJ; of one with several arguments the most, as Timeloop takes it."""
    for component in table.need("tables").sequence():
        found: dict[str, float] = {}
        for action in component.need("actions").sequence():
            name, energy = action.need("name").string(), action.need("energy").number()
            found[name] = max(energy, found.get(name, 0.0))
        yield _last(component.need("name").string()), found


def _areas(table: Node) -> Iterator[tuple[str, float]]:
    """Per component its area in mm2."""
    for component in table.need("tables").sequence():
        yield _last(component.need("name").string()), component.need("area").number() * SQUARE_MICROMETRES


def _last(name: str) -> str:
    """`system.PE[1..4].buffer[1..2]` is about `buffer`."""
    return re.sub(r"\[.*?\]", "", name).rpartition(".")[2]
