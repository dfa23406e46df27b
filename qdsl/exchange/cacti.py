"""Energies of memories by CACTI, asked through hwcomponents, as a technology that is read without either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.diagnostics.extras import not_installed
from qdsl.syntax import format_source

LIBRARY, EXTRA = "hwcomponents_cacti", "energies"


@dataclass(frozen=True, slots=True)
class Sram:
    """width_bits: of one access."""

    name: str
    size_bits: int
    width_bits: int


def sram_technology(name: str, nanometres: float, memories: Sequence[Sram]) -> str:
    """A spec of one technology, with the area and leakage of each memory in a comment. Raises SpecError (Q0960) where CACTI is
    not installed or does not run."""
    try:
        library = import_module(LIBRARY)
    except ModuleNotFoundError as error:
        raise not_installed(error, EXTRA, "asking CACTI") from None
    source = f"CACTI 7 through hwcomponents-cacti {version('hwcomponents-cacti')}, {nanometres:g} nm"
    entries = "\n".join(_entry(library.SRAM, nanometres, memory) for memory in memories)
    return format_source(f'technology {name} {{\nsource "{source}"\n{entries}\n}}\n', name)


def _entry(sram: type, nanometres: float, memory: Sram) -> str:
    try:
        found = sram(tech_node=nanometres * 1e-9, width=memory.width_bits, size=memory.size_bits)
        read, write = (action().energy * 1e12 for action in (found.read, found.write))
    except Exception as error:  # a plain one where CACTI ends with an error
        text = f"CACTI does not answer for `{memory.name}`"
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SpecError([Diagnostic("Q0960", text, None, notes=(reason,))]) from None
    said = f"{memory.size_bits / 8192:g} KiB: {found.area * 1e6:.4g} mm2, leakage {found.leak_power * 1e6:.4g} uW"
    energy = f"energy read {read:.4g} pJ, write {write:.4g} pJ"
    return f"// {said}\nmemory {memory.name} {{ width {memory.width_bits} bit; {energy} }}"
