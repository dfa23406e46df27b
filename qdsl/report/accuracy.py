"""How the errors of the designs were measured, and what they came to."""

from __future__ import annotations

from qdsl.model.accuracy import Accuracy
from qdsl.report.figures import Figure, FrontMark, front
from qdsl.report.figures.style import shade_class
from qdsl.report.points import PointRow, Units, error_text, point_rows, reference_rows
from qdsl.report.quantities import grouped
from qdsl.study.result import AccuracyFacts, StudyRun

_MEASURES = {
    "sqnr": "power of the noise at the output relative to the signal",
    "kl": "divergence of the class probabilities in nats",
    "hessian": "mean curvature of the divergence of class probabilities times the squared error",
}


def accuracy_facts(run: StudyRun) -> tuple[tuple[str, str], ...]:
    """(name, value); () for a study that measures no errors."""
    how, found = run.study.accuracy, run.accuracy
    if how is None or found is None:
        return ()
    limit = () if run.study.largest_error is None else (("error at most", error_text(run.study.largest_error)),)
    train, choose, report = map(grouped, found.examples)
    measured = () if how.method == "estimate" else (("errors measured", _measured(found)),)
    return (
        ("data", str(how.data)),
        ("examples to train on, to choose by, to report on", f"{train}, {choose}, {report}"),
        ("float network", _float(how)),
        ("its error, test error", f"{error_text(found.float_error)}, {error_text(found.float_test_error)}"),
        ("designs", _method(how)),
        *limit,
        *measured,
    )


def remark(run: StudyRun) -> str:
    """The errors of the chosen design beside those of the float network; '' if none are measured."""
    point, found = run.chosen_point, run.accuracy
    if found is None or "error" not in point.objectives:
        return ""
    designs = f"{error_text(point.objectives['error'])} (test: {error_text(point.test_error)})"
    floats = f"{error_text(found.float_error)} (test: {error_text(found.float_test_error)})"
    return (
        f"The chosen design gets {designs} of the examples wrong, the float network {floats}. The search has seen the first "
        "number of each and has not seen the second."
    )


def error_picture(run: StudyRun, units: Units) -> Figure | None:
    """Energy over error, shaded by weight memory."""
    if "error" not in run.chosen_point.objectives:
        return None
    rows, memories = point_rows(run), [row.memory_bits for row in point_rows(run)]

    def mark(row: PointRow, label: str) -> FrontMark:
        name = f"uniform {row.label}" if row.label else f"point {row.number}"
        title = f"{name}: error {error_text(row.error)}, {units.energy.text(row.energy_pj)}"
        shade = "" if label else shade_class(row.memory_bits, memories)
        return FrontMark(row.error or 0.0, units.energy.value(row.energy_pj), label, title, shade)

    largest = run.study.largest_error
    references = [mark(r, r.label) for r in reference_rows(run) if largest is None or (r.error or 0.0) <= 2 * largest]
    points = [mark(row, "") for row in rows]
    return front(
        points, references, run.chosen, "error, %", f"energy, {units.energy.symbol}", (), "darker: less memory"
    )


def _float(how: Accuracy) -> str:
    if how.weights:
        return f"weights read from {how.weights}"
    return f"trained for {how.float_epochs} epochs, rate {how.float_rate:g}, batch {how.batch}, seed {how.seed}"


def _method(how: Accuracy) -> str:
    ranges = f"ranges of {how.samples} examples"
    if how.method == "calibrate":
        return f"{ranges}, biases corrected, not trained"
    if how.method == "estimate":
        return f"{ranges}; the {_MEASURES[how.measure]}, for each width of each tensor alone, added up"
    return f"{ranges}, then trained from its weights for {how.epochs} epochs, rate {how.rate:g}"


def _measured(found: AccuracyFacts) -> str:
    stored = f", {grouped(found.from_store)} from the store" if found.from_store else ""
    early = f"; training ended early for {grouped(found.stopped)} that others beat" if found.stopped else ""
    return f"{grouped(found.measured)}{stored}{early}; {found.seconds:.0f} s of one core"
