"""What a study tells while it runs. The command line draws it; the default is silence."""

from __future__ import annotations

from typing import Protocol

from qdsl.study.result import ExactFacts, Generation


class Progress(Protocol):
    """Called from the process that runs the study, in the order of the phases."""

    def tables_planned(self, problems: int, classes: int, from_store: int) -> None:
        """`problems` distinct layers are to be solved; of their `classes` assignments `from_store` are known."""

    def problem_solved(self, layer: str, seconds: float) -> None:
        """All open assignments of the problem of `layer` are solved and stored."""

    def step_done(self, step: int, steps: int, points: int) -> None:
        """The exact search has added one of its terms and keeps so many partial sums."""

    def exact_known(self, facts: ExactFacts) -> None:
        """The exact search is over; an inexact one may follow, which its front measures."""

    def generation_done(self, generation: Generation, total: int) -> None:
        """One generation of `total` is over."""

    def mappings_planned(self, layers: int) -> None:
        """Mappings of `layers` layers are to be written out."""

    def mapping_done(self, layer: str) -> None:
        """One of them is there."""


class Silent:
    """Shows nothing."""

    def tables_planned(self, problems: int, classes: int, from_store: int) -> None: ...

    def problem_solved(self, layer: str, seconds: float) -> None: ...

    def step_done(self, step: int, steps: int, points: int) -> None: ...

    def exact_known(self, facts: ExactFacts) -> None: ...

    def generation_done(self, generation: Generation, total: int) -> None: ...

    def mappings_planned(self, layers: int) -> None: ...

    def mapping_done(self, layer: str) -> None: ...
