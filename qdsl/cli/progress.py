"""How a run is shown: bars on a terminal, lines in a log. Both are drawn from its state alone, so that another process
can draw them too, and go to stderr."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import TracebackType

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from qdsl.study.progress import Part, RunState
from qdsl.study.result import ExactFacts


class Bars:
    """Live bars; use as a context manager."""

    def __init__(self, color: bool) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=RichConsole(stderr=True, no_color=not color),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, state: RunState) -> None:
        for part in state.parts:
            if part.name not in self._tasks:
                self._tasks[part.name] = self._bars.add_task(part.name, note="")
            self._bars.update(self._tasks[part.name], completed=part.done, total=part.of)
        if state.part is not None:
            note = ", ".join([*numbers(state), *pace(state), *([state.note] if state.note else [])])
            self._bars.update(self._tasks[state.part.name], note=note)


_FEW = 20  # generations, each of which gets a line


class Lines:
    """One line per phase, per layer while layers are solved, and per generation, or ten of them where there are many."""

    def __init__(self) -> None:
        self._shown: tuple[str, int, str] | None = None

    def show(self, state: RunState) -> None:
        part = state.part
        if part is None or not _worth_a_line(part):
            return
        note = "" if part.name == "search" else state.note  # of a generation: what is measured in it by now
        if (part.name, part.done, note) == self._shown:
            return
        self._shown = (part.name, part.done, note)
        print(line(state), file=sys.stderr, flush=True)


def line(state: RunState) -> str:
    """Where a run stands, in one line."""
    if state.part is None:
        return "starting"
    what = {"search": "generation "}.get(state.part.name, "")
    of = [f"{state.part.name}: {what}{state.part.done}/{state.part.of}" + (f" {state.note}" if state.note else "")]
    return ", ".join([*of, *numbers(state), *pace(state)])


def numbers(state: RunState) -> list[str]:
    """What the phase at work counts."""
    if state.part is None or state.part.name == "mappings":
        return []
    if state.part.name == "search":
        return [f"{state.designs:,} designs", f"front {state.front}", *hypervolume(state)]
    if state.part.name == "exact":
        return exact(state.exact) if state.exact else [f"{state.sums:,} partial sums that none beats"]
    stored = f", {state.stored:,} from the store" if state.stored else ""
    return [f"{state.solved:,} of {state.to_solve:,} candidates{stored}"]


def exact(facts: ExactFacts) -> list[str]:
    """Size of the exact front, how far it is thinned out, its hypervolume."""
    within = [f"thinned out to {100 * facts.epsilon:.3g} %"] if facts.epsilon else []
    return [f"front {facts.points:,}", *within, f"hypervolume {facts.hypervolume[0]:.4f}"]


def hypervolume(state: RunState) -> list[str]:
    """Of the search, and as a share of that of the exact front if it is known."""
    text = [f"hypervolume {state.hypervolume:.4f}"]
    if state.exact is None:
        return text
    low, high = (100 * share for share in state.exact.reached(state.hypervolume))
    share = f"{low:.2f} %" if high - low < 0.005 else f"{low:.1f} to {high:.1f} %"
    return [*text, f"{share} of the exact front's"]


def pace(state: RunState) -> list[str]:
    """Rate and time left, where they are known."""
    left = state.left_s
    if state.part is None or state.part.name in ("exact", "mappings") or not left or not state.rate:
        return []
    return [f"{state.rate:,.0f}/s", f"{timedelta(seconds=round(left))} left"]


def _worth_a_line(part: Part) -> bool:
    if part.name == "search" and part.of <= _FEW:
        return True
    if part.name in ("search", "exact"):
        return part.done in (1, part.of) or (part.done > 0 and part.done % 10 == 0)
    return part.name in ("layers", "float") or part.done == 0
