"""The answer of `qdsl check --feasibility`: which widths of a study leave every layer a legal mapping."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console
from qdsl.cli.tables import columns
from qdsl.diagnostics import Sink

if TYPE_CHECKING:
    from qdsl.model.study import Study
    from qdsl.study.options import LayerOptions, StudyOptions

_QUIET_S = 2.0  # the longest time without a line of progress


def check_feasibility(study: Study, time_limit_s: float, console: Console, found: Sink) -> StudyOptions:
    """Decides the widths of a study; what is wrong with them goes to the sink."""
    from qdsl.study.option_findings import option_findings
    from qdsl.study.options import study_options

    options = study_options(study, time_limit_s, _progress(study.name, console))
    for diagnostic in option_findings(options, time_limit_s):
        found.add(diagnostic)
    return options


def _progress(study: str, console: Console) -> Callable[[str, int, int], None]:
    """Lines on stderr while layers keep the user waiting."""
    last = time.perf_counter()

    def done(layer: str, n: int, of: int) -> None:
        nonlocal last
        if not console.json and time.perf_counter() - last > _QUIET_S:
            last = time.perf_counter()
            print(f"{study}: {n}/{of} {layer}", file=sys.stderr, flush=True)

    return done


def options_text(options: StudyOptions) -> str:
    """A row per distinct layer, and below it the widths at which it has no mapping; what that means for the study."""
    study = options.study
    rows = [
        [_names(x), _widths(x), *(f"{len(x.at(status)):,}" for status in ("feasible", "infeasible", "unknown"))]
        for x in options.layers
    ]
    head, *lines = columns(("layer", "widths", "legal", "no mapping", "undecided"), rows, left=2).splitlines()
    shown = [f"{study.name}: {study.network.name} onto {study.accelerator.name}", head]
    for x, line in zip(options.layers, lines, strict=True):
        shown += [line, *_exceptions(x)]
    solved, asked = sum(x.solved for x in options.layers), sum(len(x.rows) for x in options.layers)
    effort = f"{len(options.layers)} distinct layers, {asked:,} combinations of widths: {solved:,} put to Z3"
    shown.append(f"{effort}, the others follow ({options.seconds:.1f} s)")
    return "\n".join([*shown, _verdict(options)])


def options_json(options: StudyOptions) -> dict[str, Any]:
    """Only the combinations with no legal mapping, or none known, are listed."""
    variables = options.study.precision.variables
    return {
        "study": options.study.name,
        "feasible": options.feasible,
        "layers": [_layer_json(x) for x in options.layers],
        "clash": list(options.clash),
        "dead": [
            {"variable": variables[d.variable].name, "width": d.width, "layers": list(d.layers)} for d in options.dead
        ],
        "undecided": [{"variable": variables[v].name, "width": width} for v, width in options.undecided],
        "seconds": round(options.seconds, 3),
    }


def _layer_json(x: LayerOptions) -> dict[str, Any]:
    return {
        "layers": list(x.layers),
        "operator": x.problem.operator.name,
        "widths": [{"tensors": list(tensors), "options": list(widths)} for tensors, widths in x.axes],
        "combinations": len(x.rows),
        "feasible": len(x.at("feasible")),
        "infeasible": [dict(row.bits) for row in x.at("infeasible")],
        "unknown": [dict(row.bits) for row in x.at("unknown")],
        "undefined": [dict(row.bits) for row in x.at("undefined")],
        "solved": x.solved,
        "seconds": round(x.seconds, 3),
    }


def _names(x: LayerOptions) -> str:
    first, *others = x.layers
    return f"{first} and {len(others)} more" if others else first


def _widths(x: LayerOptions) -> str:
    """`I 2..8, W 2..8, O 8`"""
    from qdsl.study.regions import widths_text

    chosen = {t: widths_text(widths) for tensors, widths in x.axes for t in tensors}
    return ", ".join(f"{t} {chosen.get(t, width)}" for t, width in x.rows[0].bits)


def _exceptions(x: LayerOptions) -> Iterator[str]:
    """Where a layer has no mapping, or where that is not known."""
    from qdsl.study.regions import regions_text

    axes = [("=".join(tensors), widths) for tensors, widths in x.axes]
    every = (
        ("infeasible", "no mapping at"),
        ("unknown", "undecided at"),
        ("undefined", "a formula has no valid value at"),
    )
    for status, text in every:
        if points := [row.options for row in x.at(status)]:
            yield f"  {text} {regions_text(points, axes)}"


def _verdict(options: StudyOptions) -> str:
    from qdsl.study.option_findings import by_variable

    if options.clash:
        return "no choice of widths leaves every layer a legal mapping"
    lines = []
    if options.dead:
        lines.append(f"dead: {by_variable(options, [(d.variable, d.width) for d in options.dead])}")
    if options.undecided:
        lines.append(f"undecided: {by_variable(options, options.undecided)}")
    return "\n".join(lines) or "every width can be chosen"
