"""A Timeloop machine: memories, meshes between them and the arithmetic unit, whichever version described it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from qdsl.diagnostics import Span
from qdsl.exchange.yaml import Node


@dataclass(frozen=True)
class Energy:
    """pJ per access of one block, leak_pj per cycle; of an arithmetic unit `read` is that of an operation."""

    read_pj: float
    write_pj: float
    update_pj: float
    leak_pj: float = 0.0
    source: str = ""


@dataclass(frozen=True)
class Memory:
    """Per instance. size_words: None if unlimited; doubled: half of the size holds the next tiles; bandwidths in words per
    cycle, None if unlimited; least_used: share of the words that a mapping must use."""

    name: str
    span: Span
    word_bits: int
    block_words: int
    size_words: int | None
    doubled: bool = False
    read_bandwidth: float | None = None
    write_bandwidth: float | None = None
    least_used: float = 0.0
    energy: Energy | None = None
    area_mm2: float | None = None


@dataclass(frozen=True)
class Mesh:
    """x * y instances of everything that follows. outside: the memory directly outside, where Timeloop puts its loops."""

    name: str
    span: Span
    x: int
    y: int
    outside: str


@dataclass(frozen=True)
class Unit:
    name: str
    span: Span
    energy: Energy | None = None
    area_mm2: float | None = None


@dataclass(frozen=True)
class Machine:
    """parts: outermost first. directives: constraints written inside the architecture, as (target, kind, what it says).
    clock_hz: None if not stated."""

    name: str
    parts: tuple[Memory | Mesh, ...]
    unit: Unit
    clock_hz: float | None = None
    directives: tuple[tuple[str, str, Node], ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict)

    @property
    def memories(self) -> tuple[Memory, ...]:
        """Outermost first."""
        return tuple(p for p in self.parts if isinstance(p, Memory))

    @property
    def meshes(self) -> tuple[Mesh, ...]:
        """Outermost first."""
        return tuple(p for p in self.parts if isinstance(p, Mesh))


def written(name: str) -> str:
    """A name as it can be written here: letters, digits and `_`."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"
