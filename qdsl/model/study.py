"""The checked study: which network on which accelerator, over which bit-widths, for what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from qdsl.diagnostics import Span
from qdsl.model.accelerator import Accelerator
from qdsl.model.accuracy import Accuracy
from qdsl.model.constraint import Constraint
from qdsl.model.mapper import EXACT, MapperChoice
from qdsl.model.mapping import Mapping
from qdsl.model.network import Layer, Network
from qdsl.model.precision import PrecisionSpace

if TYPE_CHECKING:
    from qdsl.model.allowances import Allowance

OBJECTIVES = ("energy", "weight_memory", "activation_memory", "latency", "edp", "noise", "area", "error", "sensitivity")
TIMED = ("latency", "edp")
NOT_ADDITIVE = ("edp", "error")
"""Objectives that are neither a sum over the layers nor a peak."""
SEARCHES = ("nsga2", "exact")
SEARCH_OPERATORS = ("default", "seed")
LEVELS = ("coarse", "mid", "fine")


@dataclass(frozen=True, slots=True)
class Search:
    """method: 'nsga2' or 'exact'. operators: 'default' or 'seed' (METHODS of Klhufek et al., DDECS 2024). epsilon: of the exact
    search, how much larger than any design the nearest one of its answer may be in each objective; 0: the whole front. The
    other settings are those of NSGA-II."""

    population: int = 48
    offspring: int = 48
    generations: int = 40
    seed: int = 1
    operators: str = "default"
    method: str = "nsga2"
    epsilon: float = 0.0


@dataclass(frozen=True)
class Configuration:
    """One choice of the searched parameters. values: (parameter, its value as text), in the order of the study."""

    values: tuple[tuple[str, str], ...]
    accelerator: Accelerator
    constraints: tuple[Constraint, ...]

    @property
    def text(self) -> str:
        """`rows = 8, glb = 64 KiB`"""
        return ", ".join(f"{name} = {value}" for name, value in self.values)


@dataclass(frozen=True)
class Study:
    """network: as it is mapped, each split layer replaced by its groups; of a set, all layers of all networks.

    hardware: the configurations to search, () if no parameter is; accelerator and constraints are those of one of them,
    of the first where nothing else is said. levels: the abstraction levels to search at, in order. accuracy: how errors are
    measured, None where nothing asks for them. largest_error: per cent; designs above it are no answer.
    """

    name: str
    network: Network
    accelerator: Accelerator
    precision: PrecisionSpace
    constraints: tuple[Constraint, ...]
    objectives: tuple[str, ...]
    search: Search
    reports: tuple[str, ...]  # of 'html', 'markdown'
    mapper: MapperChoice = EXACT
    hardware: tuple[Configuration, ...] = ()
    levels: tuple[str, ...] = ("fine",)
    accuracy: Accuracy | None = None
    largest_error: float | None = None
    span: Span | None = field(default=None, compare=False, repr=False)

    def at(self, configuration: int) -> Study:
        """The study of one configuration alone; the study itself if no parameter is searched."""
        if not self.hardware:
            return self
        chosen = self.hardware[configuration]
        return replace(self, accelerator=chosen.accelerator, constraints=chosen.constraints)

    @property
    def timed(self) -> bool:
        """Whether the cycles of its mappings count."""
        return not set(TIMED).isdisjoint(self.objectives)


@dataclass(frozen=True)
class WrittenMapping:
    """A `mapping` block: a mapping of one layer at given bit-widths, as the user wrote it."""

    name: str
    network: str
    layer: Layer
    accelerator: Accelerator
    bits: tuple[tuple[str, int], ...]
    mapping: Mapping
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Model:
    """Everything one file (with its imports) declares, checked."""

    path: str
    accelerators: tuple[Accelerator, ...]
    networks: tuple[Network, ...]
    mappings: tuple[WrittenMapping, ...]
    studies: tuple[Study, ...]
    files: tuple[
        tuple[str, str], ...
    ] = ()  # (path as printed, sha256 of the text) of every file read, the main one first
    allowances: tuple[Allowance, ...] = ()  # of all files
