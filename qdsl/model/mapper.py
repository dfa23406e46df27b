"""How the mapping of a layer is searched for. `str` gives a choice as a spec says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ExactMapper:
    """The best mapping, with a proof."""

    name = "exact"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class RandomMapper:
    """The best of mappings drawn uniformly from the legal ones.

    Ends when so many draws in a row are not better than the best one (victory; 0: goes on), when so many mappings were
    drawn (samples), or when the time is up.
    """

    victory: int = 500
    samples: int | None = None
    seed: int = 1
    time_limit_s: float | None = None

    name = "random"

    def __str__(self) -> str:
        samples = () if self.samples is None else (f"samples = {self.samples}",)
        return _call(self.name, f"victory = {self.victory}", *samples, f"seed = {self.seed}", time_s=self.time_limit_s)


@dataclass(frozen=True, slots=True)
class GeneticMapper:
    """The best that a genetic algorithm comes to."""

    population: int = 100
    generations: int = 100
    seed: int = 1
    time_limit_s: float | None = None

    name = "genetic"

    def __str__(self) -> str:
        settings = (f"population = {self.population}", f"generations = {self.generations}", f"seed = {self.seed}")
        return _call(self.name, *settings, time_s=self.time_limit_s)


MapperChoice: TypeAlias = ExactMapper | RandomMapper | GeneticMapper
EXACT = ExactMapper()
MAPPERS: tuple[type[MapperChoice], ...] = (ExactMapper, RandomMapper, GeneticMapper)

# Smallest and largest value of each number.
RANGES = {
    "victory": (0, 10**9),
    "samples": (1, 10**9),
    "population": (4, 10_000),
    "generations": (1, 1_000_000),
    "seed": (0, 2**32 - 1),
}


def never_ends(mapper: MapperChoice) -> bool:
    """Whether nothing stops a search."""
    return isinstance(mapper, RandomMapper) and not (mapper.victory or mapper.samples or mapper.time_limit_s)


def _call(name: str, *settings: str, time_s: float | None) -> str:
    time = () if time_s is None else (f"time_limit = {time_s:g} s",)
    return f"{name}({', '.join((*settings, *time))})"
