"""Where a study stands: told by the study, drawn by the command line and, from a file, by other processes."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from qdsl.study.result import ExactFacts, Generation


@dataclass(frozen=True, slots=True)
class Part:
    """One phase. name: 'layers', 'exact', 'float', 'search' or 'mappings'; done, of: its steps; started: seconds since 1970."""

    name: str
    done: int
    of: int
    started: float


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands.

    updated: seconds since 1970, as are all times. parts: the phases begun, the last one is at work. note: the last thing
    done. candidates: (layer, bit-widths) that differ in cost; solved: those by now, stored: those that the store had;
    to_solve: the others. designs: looked at by the search; front: of them; hypervolume: see Generation.
    sums: partial sums that the exact search keeps; exact: what it found.
    ended: '' while running, then 'complete', 'interrupted' or 'failed'.
    """

    study: str
    host: str
    pid: int
    started: float
    updated: float
    parts: tuple[Part, ...] = ()
    note: str = ""
    candidates: int = 0
    stored: int = 0
    solved: int = 0
    designs: int = 0
    front: int = 0
    hypervolume: float = 0.0
    sums: int = 0
    exact: ExactFacts | None = None
    ended: str = ""

    @property
    def to_solve(self) -> int:
        return self.candidates - self.stored

    @property
    def part(self) -> Part | None:
        """The phase at work."""
        return self.parts[-1] if self.parts else None

    @property
    def rate(self) -> float:
        """Candidates or designs per second of the phase at work; 0 if that is not known yet."""
        if self.part is None or self.updated <= self.part.started:
            return 0.0
        done = {"layers": self.solved, "search": self.designs}.get(self.part.name, self.part.done)
        return done / (self.updated - self.part.started)

    @property
    def left_s(self) -> float | None:
        """Seconds that the phase at work still takes if it goes on like this; None if that is not known."""
        if self.part is None or self.updated <= self.part.started:
            return None
        done, of = (self.solved, self.to_solve) if self.part.name == "layers" else (self.part.done, self.part.of)
        return (of - done) * (self.updated - self.part.started) / done if done else None


Show = Callable[[RunState], None]


class Progress:
    """Told by the process that runs the study, in the order of the phases; shows each new state.

    shows: called with the state after every step.
    """

    def __init__(self, *shows: Show) -> None:
        now = time.time()
        self.state = RunState("", socket.gethostname(), os.getpid(), now, now)
        self.shows = list(shows)

    def study_started(self, study: str) -> None:
        now = time.time()
        self._tell(study=study, started=now)

    def tables_planned(self, problems: int, classes: int, from_store: int) -> None:
        """`problems` distinct layers are to be solved; of their `classes` assignments `from_store` are known."""
        self._begin("layers", problems, candidates=classes, stored=from_store)

    def problem_solved(self, layer: str, seconds: float | None, candidates: int) -> None:
        """All open assignments of the problem of `layer` are stored. seconds: None if another run solved them meanwhile."""
        how = "by another run" if seconds is None else f"in {seconds:.1f} s"
        self._step(note=f"{layer} {how}", solved=self.state.solved + candidates)

    def waiting(self, problems: int) -> None:
        """`problems` are being solved by other runs on the store."""
        self._tell(note=f"{problems} at work in another run")

    def step_done(self, step: int, steps: int, sums: int) -> None:
        """The exact search has added one of its terms and keeps so many partial sums."""
        if self.state.part is None or self.state.part.name != "exact":
            self._begin("exact", steps)
        self._step(step, sums=sums)

    def exact_known(self, facts: ExactFacts) -> None:
        """The exact search is over; an inexact one may follow, which its front measures."""
        self._tell(exact=facts, note="front found")

    def generation_done(self, generation: Generation, total: int) -> None:
        """One generation of `total` is over."""
        if self.state.part is None or self.state.part.name != "search":
            self._begin("search", total)
        self._step(
            generation.number,
            note="",
            designs=generation.evaluations,
            front=generation.front,
            hypervolume=generation.hypervolume,
        )

    def float_training(self) -> None:
        """The float network is trained, or read."""
        self._begin("float", 1)

    def float_trained(self, error: float) -> None:
        self._step(note=f"error {error:.2f} %")

    def measuring(self, done: int, of: int) -> None:
        """The errors of so many designs are measured, of those that are looked at together."""
        if of:
            self._tell(note=f"{done} of {of} errors measured")

    def mappings_planned(self, layers: int) -> None:
        """Mappings of `layers` layers are to be written out."""
        self._begin("mappings", layers)

    def mapping_done(self, layer: str) -> None:
        """One of them is there."""
        self._step(note=layer)

    def ended(self, how: str) -> None:
        """how: see RunState.ended."""
        self._tell(ended=how)

    def _begin(self, name: str, of: int, **changes: object) -> None:
        part = Part(name, 0, of, time.time())
        self._tell(parts=(*self.state.parts, part), note="", **changes)

    def _step(self, done: int | None = None, **changes: object) -> None:
        part = self.state.parts[-1]
        part = replace(part, done=part.done + 1 if done is None else done)
        self._tell(parts=(*self.state.parts[:-1], part), **changes)

    def _tell(self, **changes: object) -> None:
        self.state = replace(self.state, updated=time.time(), **changes)  # type: ignore[arg-type]
        for show in self.shows:
            show(self.state)


class Silent(Progress):
    """Shows nothing."""

    def __init__(self) -> None:
        super().__init__()
