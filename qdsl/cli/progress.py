"""How a run is shown: bars on a terminal, a few lines in a log. Both go to stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from qdsl.study.result import ExactFacts, Generation


class Bars:
    """Live bars; use as a context manager."""

    def __init__(self, color: bool) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=RichConsole(stderr=True, no_color=not color),
        )
        self._layers = self._bars.add_task("layers", total=None, note="reading the store")
        self._exact = self._bars.add_task("exact", total=None, note="", visible=False)
        self._front: ExactFacts | None = None
        self._search = self._bars.add_task("search", total=None, note="", visible=False)
        self._mappings = self._bars.add_task("mappings", total=None, note="", visible=False)
        self._started = 0.0

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def tables_planned(self, problems: int, classes: int, from_store: int) -> None:
        note = f"{from_store} of {classes} bit-width classes from the store"
        self._bars.update(self._layers, total=problems, note=note)

    def problem_solved(self, layer: str, seconds: float) -> None:
        self._bars.update(self._layers, advance=1, note=f"{layer} in {seconds:.1f} s")

    def step_done(self, step: int, steps: int, points: int) -> None:
        self._bars.update(
            self._exact, total=steps, completed=step, visible=True, note=f"{points:,} partial sums that none beats"
        )

    def exact_known(self, facts: ExactFacts) -> None:
        self._front = facts
        self._bars.update(self._exact, note=exact_text(facts))

    def generation_done(self, generation: Generation, total: int) -> None:
        if not self._started:
            self._started = time.perf_counter()
            self._bars.reset(self._search, total=total, visible=True)
        elapsed = time.perf_counter() - self._started
        rate = f", {generation.evaluations / elapsed:,.0f} designs/s" if generation.number > 1 and elapsed > 0 else ""
        note = f"front {generation.front}, {hypervolume_text(generation, self._front)}{rate}"
        self._bars.update(self._search, completed=generation.number, note=note)

    def mappings_planned(self, layers: int) -> None:
        self._bars.reset(self._mappings, total=layers, visible=True)

    def mapping_done(self, layer: str) -> None:
        self._bars.update(self._mappings, advance=1, note=layer)


class Lines:
    """One line per phase and, while layers are solved, one per layer."""

    def __init__(self) -> None:
        self._problems = self._done = 0
        self._front: ExactFacts | None = None

    def tables_planned(self, problems: int, classes: int, from_store: int) -> None:
        self._problems = problems
        _say(f"layers: {problems} distinct to solve, {from_store} of {classes} bit-width classes from the store")

    def problem_solved(self, layer: str, seconds: float) -> None:
        self._done += 1
        _say(f"layers: {self._done}/{self._problems} {layer} in {seconds:.1f} s")

    def step_done(self, step: int, steps: int, points: int) -> None:
        if step % 10 == 0:
            _say(f"exact: {step}/{steps} terms, {points:,} partial sums that none beats")

    def exact_known(self, facts: ExactFacts) -> None:
        self._front = facts
        _say(f"exact: {exact_text(facts)}")

    def generation_done(self, generation: Generation, total: int) -> None:
        if generation.number in (1, total) or generation.number % 10 == 0:
            _say(
                f"search: generation {generation.number}/{total}, {generation.evaluations} designs, "
                f"front {generation.front}, {hypervolume_text(generation, self._front)}"
            )

    def mappings_planned(self, layers: int) -> None:
        _say(f"mappings: {layers} layers to write out")

    def mapping_done(self, layer: str) -> None:
        """The phase takes milliseconds per layer: its start is enough."""


def exact_text(facts: ExactFacts) -> str:
    """`front 3,130`; `front 7,785 within 10 %` if it is thinned out."""
    within = f" within {100 * facts.epsilon:.3g} %" if facts.epsilon else ""
    low, _ = facts.hypervolume
    return f"front {facts.points:,}{within}, hypervolume {low:.4f}"


def hypervolume_text(generation: Generation, exact: ExactFacts | None) -> str:
    """`hypervolume 0.3329`, and as a share of that of the exact front if it is known."""
    text = f"hypervolume {generation.hypervolume:.4f}"
    if exact is None:
        return text
    low, high = (100 * share for share in exact.reached(generation.hypervolume))
    share = f"{low:.2f} %" if high - low < 0.005 else f"{low:.1f} to {high:.1f} %"
    return f"{text}, {share} of the exact front's"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
