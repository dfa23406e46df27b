"""`qdsl run`: a study from text to report."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import columns, energy, memory

if TYPE_CHECKING:
    from qdsl.model.study import Study
    from qdsl.study.progress import Progress
    from qdsl.study.result import DesignPoint, StudyRun

NAME = "run"
HELP = "Run a study: best mappings of all layers, search of the bit-widths, report."
EXAMPLE = """example: qdsl run specs/studies/mobilenet_v1_eyeriss.qdsl --out results

The directory gets the report, run.json (all numbers) and store.sqlite (solved layers, used again by the next run).
Ctrl-C keeps what is solved and writes the report of what was found; before the search begins, a table of the layers
solved (partial.md). Several runs may share a directory and `qdsl watch DIR` shows how far they are."""

INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import cluster, positive_int, seed

    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    parser.add_argument("--out", metavar="DIR", type=Path, help="default: qdsl-out/STUDY")
    parser.add_argument(
        "--workers", metavar="N", type=positive_int, help="processes that solve layers (default: cores)"
    )
    parser.add_argument(
        "--cluster", metavar="ADDRESS", type=cluster, help="the workers of this Dask scheduler solve: tcp://HOST:PORT"
    )
    parser.add_argument("--device", metavar="NAME", default="cpu", help="that trains networks: cpu, cuda, cuda:1")
    parser.add_argument("--seed", metavar="N", type=seed, help="in place of the study's")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the summary on stdout")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked, study_of

    start = time.perf_counter()
    model = checked(args.file, console, every_configuration=True)
    study = study_of(model, args.study)
    if args.seed is not None:
        study = replace(study, search=replace(study.search, seed=args.seed))
    out_dir = args.out or Path("qdsl-out") / study.name

    from qdsl.study.run import STORE_FILE, run_study

    try:
        with _progress(args.quiet, console) as progress:
            command = shlex.join(args.command_line)
            run = run_study(study, model, out_dir, progress, args.workers, command, args.cluster, args.device)
    except KeyboardInterrupt:
        console.note(
            f"interrupted; solved layers are kept in {out_dir / STORE_FILE}, the same command goes on from there"
        )
        console.note(f"what is there: {_partial_report(study, out_dir)}")
        return INTERRUPTED
    from qdsl.report import write_report
    from qdsl.report.partial import PARTIAL_FILE

    reporting = time.perf_counter()
    reports = write_report(run, out_dir, study.reports)
    (out_dir / PARTIAL_FILE).unlink(missing_ok=True)
    seconds = {**dict(run.timings), "report": time.perf_counter() - reporting, "total": time.perf_counter() - start}
    if console.json:
        print_json(_summary_json(run, out_dir, reports, seconds))
    elif not args.quiet:
        print(summary_text(run, reports, seconds))
    if not run.complete:
        console.note("interrupted; the report shows what was found until then")
        return INTERRUPTED
    return 0


def _partial_report(study: Study, out_dir: Path) -> Path:
    """A table of what is solved, for a run without a design to report."""
    from qdsl.report.partial import write_partial
    from qdsl.study.partial import solved_so_far
    from qdsl.study.run import STORE_FILE
    from qdsl.study.store import Store

    with Store(out_dir / STORE_FILE) as store:
        return write_partial(study.name, solved_so_far(study, store), out_dir)


def summary_text(run: StudyRun, reports: tuple[Path, ...], seconds: dict[str, float]) -> str:
    """The answer, the front in a few lines, where time went, where the report is."""
    from qdsl.report.explored import funnel_text
    from qdsl.study.result import OBJECTIVE_UNITS

    counts, hardware = run.counts, run.study.hardware
    named = [("uniform", p) for p in run.references] + [("front", p) for p in _sample(run)]
    others = [name for name in run.study.objectives if name in ("activation_memory", "latency", "edp", "sensitivity")]
    errors = "error" in run.chosen_point.objectives
    measured = ("error", "test error") if errors else ("noise",)
    titles = [f"{name.replace('_', ' ')} [{OBJECTIVE_UNITS[name]}]" for name in others]

    def quality(p: DesignPoint) -> list[str]:
        if not errors:
            return [f"{p.objectives['noise']:.1f} dB"]
        return [f"{p.objectives['error']:.2f} %", "" if p.test_error is None else f"{p.test_error:.2f} %"]

    rows = [
        [
            f"{kind} {p.label}".strip() + (" (chosen)" if p is run.chosen_point else ""),
            energy(p.energy_pj),
            memory(p.weight_memory_bits),
            *quality(p),
            *(f"{p.objectives[name]:,.4g}" for name in others),
            *([hardware[p.hardware].text] if hardware else []),
        ]
        for kind, p in named
    ]
    lines = [
        _found(run),
        *([f"chosen hardware: {hardware[run.chosen_point.hardware].text}, of {len(hardware)}"] if hardware else []),
        *([funnel_text(run)] if len(run.levels) > 1 else []),
        "",
        columns(("design", "energy", "weights", *measured, *titles, *(["hardware"] if hardware else [])), rows),
        "",
        f"layers: {counts.layers}, {counts.distinct_problems} distinct; bit-width classes: {counts.solved} solved now, "
        f"{counts.from_store} from the store",
    ]
    if run.dead:
        layers = len({d.layer for d in run.dead})
        lines.append(
            f"no legal mapping: {len(run.dead)} bit-width assignments of {layers} layers (listed in the report)"
        )
    lines.append("time: " + ", ".join(f"{phase} {s:.1f} s" for phase, s in seconds.items()))
    return "\n".join([*lines, *(f"report: {path}" for path in reports)])


def _found(run: StudyRun) -> str:
    """What the search found, in a line."""
    counts, facts = run.counts, run.exact
    text = f"{run.study.network.name} on {run.study.accelerator.name}: "
    if run.study.search.method == "exact" and facts:
        within = (
            f", thinned out: every design is within {100 * facts.epsilon:.3g} % of one" if facts.epsilon else ", proven"
        )
        return f"{text}{facts.points:,} designs on the front of all {counts.designs:.3g}{within}"
    return (
        f"{text}{len(run.front)} designs on the front of {counts.evaluated} looked at ({counts.designs:.3g} possible)"
    )


def _sample(run: StudyRun, most: int = 5) -> list[Any]:
    """The chosen point and others spread evenly over the front, ends included."""
    last = len(run.front) - 1
    picked = {round(i * last / (most - 1)) for i in range(most)} | {run.chosen}
    return [run.front[i] for i in sorted(picked)]


def _summary_json(run: StudyRun, out_dir: Path, reports: tuple[Path, ...], seconds: dict[str, float]) -> dict[str, Any]:
    from qdsl.study.codec import to_json
    from qdsl.study.result import LevelResult
    from qdsl.study.run import STORE_FILE
    from qdsl.study.runfile import RUN_FILE

    return {
        "study": run.study.name,
        "complete": run.complete,
        "objectives": list(run.study.objectives),
        "front": [{"choice": list(p.choice), "hardware": p.hardware, **p.objectives, **_tested(p)} for p in run.front],
        "chosen": run.chosen,
        "exact": to_json(run.exact) if run.exact else None,
        "baseline": run.baseline.objectives if run.baseline else None,
        "accuracy": to_json(run.accuracy) if run.accuracy else None,
        "references": [{"label": p.label, "choice": list(p.choice), **p.objectives} for p in run.references],
        "variables": [v.name for v in run.study.precision.variables],
        "configurations": [dict(c.values) for c in run.configurations],
        "levels": to_json(run.levels, tuple[LevelResult, ...]),
        "counts": to_json(run.counts),
        "seconds": {phase: round(s, 3) for phase, s in seconds.items()},
        "run_file": str(out_dir / RUN_FILE),
        "store_file": str(out_dir / STORE_FILE),
        "reports": [str(path) for path in reports],
    }


def _tested(point: DesignPoint) -> dict[str, float | None]:
    return {"test_error": point.test_error} if "error" in point.objectives else {}


@contextmanager
def _progress(quiet: bool, console: Console) -> Iterator[Progress]:
    from qdsl.study.progress import Progress

    if quiet or console.json:
        yield Progress()
        return
    from qdsl.cli.progress import Bars, Lines

    with Bars(console.color) if sys.stderr.isatty() else nullcontext(Lines()) as view:
        yield Progress(view.show)
