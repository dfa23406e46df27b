"""Exact fronts of shipped studies, for the pages."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import qdsl
from qdsl.model.study import Study
from qdsl.resources import data_dir
from qdsl.study.exact import exact_front
from qdsl.study.exact.of_study import sum_of
from qdsl.study.nsga2 import uniform_designs
from qdsl.study.objectives import Array, Designs, Evaluator, Values
from qdsl.study.progress import Silent
from qdsl.study.store import Store
from qdsl.study.tables import build_tables


@dataclass(frozen=True)
class Solved:
    """A study of one cost and the noise."""

    evaluator: Evaluator

    @cached_property
    def front(self) -> Designs:
        """Every design that none beats."""
        return exact_front(sum_of(self.evaluator)).designs

    @cached_property
    def uniform(self) -> Designs:
        """From the narrowest widths to the widest."""
        return uniform_designs(self.evaluator)

    def values(self, designs: Designs) -> Values:
        """float64[designs, 2]: cost, dB."""
        return self.evaluator.values(designs)

    def least_within(self, noise: Array) -> Array:
        """float64[noise]: the least cost of a design with at most so many dB."""
        front = self.values(self.front)
        front = front[np.argsort(front[:, 1])]
        least = np.minimum.accumulate(front[:, 0])
        found: Array = least[np.searchsorted(front[:, 1], noise + 1e-9) - 1]
        return found


def solved(file: str, other_words: dict[str, str] | None = None) -> dict[str, Solved]:
    """The studies of a shipped file, by name. other_words: what stands in its text in place of what."""
    directory = data_dir("specs") / "studies"
    text = (directory / f"{file}.qdsl").read_text(encoding="utf-8")
    for word, other in (other_words or {}).items():
        assert word in text
        text = text.replace(word, other)
    return {s.name: _solved(s) for s in qdsl.loads(text, directory).model.studies}


def _solved(study: Study) -> Solved:
    with tempfile.TemporaryDirectory() as place, Store(Path(place) / "store.sqlite") as store:
        return Solved(Evaluator(study, build_tables(study, store, Silent(), workers=1).layers))
