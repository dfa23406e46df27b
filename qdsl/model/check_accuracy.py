"""How a study measures accuracy, and whether its network can learn from the data."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from qdsl.diagnostics import Label
from qdsl.model.accuracy import CHOICES, DATA, METHODS, RANGES, Accuracy, DataSource
from qdsl.model.check_hardware import ERROR, largest
from qdsl.model.expressions import number, split_arguments
from qdsl.model.findings import fail, quoted, unknown, whole_name
from qdsl.model.network import Network
from qdsl.model.statements import Statements
from qdsl.model.units import COUNT, whole
from qdsl.syntax.tree import AccuracyStmt, Expr, LimitStmt, MapAsStmt, Name, Text

ESTIMATE = "accuracy estimate(measure = kl) on digits"
EXAMPLE = "accuracy train(epochs = 4, seed = 1) on digits"


def check_accuracy(stmt: AccuracyStmt) -> Accuracy:
    """Raises SpecError."""
    if stmt.method.name not in METHODS:
        unknown("method", stmt.method, METHODS)
    settings = METHODS[stmt.method.name]
    positional, named = split_arguments(stmt.arguments)
    if positional:
        fail("Q0204", "arguments of a method are named", positional[0].span, helps=["for example `seed = 1`"])
    values: dict[str, Any] = {}
    for name, (ident, expr) in named.items():
        if name not in settings:
            unknown("argument", ident, settings, of=stmt.method.name)
        if stmt.weights and name.startswith("float_"):
            text = f"`{name}` says how a float network is trained, and this one is read from a file"
            fail("Q0204", text, ident.span, helps=["leave it out, or `with weights`"])
        values[name] = _choice(name, expr) if name in CHOICES else _number(name, expr)
    return Accuracy(stmt.method.name, _source(stmt), _path(stmt.weights), **values)


def check_errors(
    found: Statements, objectives: tuple[str, ...], network: Network | None
) -> tuple[Accuracy | None, float | None]:
    """How a study measures errors, and the largest one it allows in per cent. Raises SpecError."""
    stmt, most = found.get(AccuracyStmt), check_limits(found.all(LimitStmt))
    measured, estimated = "error" in objectives or most is not None, "sensitivity" in objectives
    if not measured and not estimated:
        if stmt:
            helps = ["`minimize energy, error` or `limit error <= 2 %`"]
            fail("Q0503", "nothing in the study asks for the error", stmt.span, label="measures it", helps=helps)
        return None, None
    stmt = found.need(AccuracyStmt, EXAMPLE if measured else ESTIMATE)
    accuracy = check_accuracy(stmt)
    if measured and accuracy.method == "estimate":
        text = "`estimate` tells the sensitivity to widths, and the study asks for the error"
        helps = ["`minimize energy, sensitivity`, or measure with `train` or `calibrate`"]
        fail("Q0817", text, stmt.method.span, label="measures no error", helps=helps)
    if estimated and accuracy.method != "estimate":
        text = f"`{accuracy.method}` measures the error, and the study asks for the sensitivity to widths"
        fail(
            "Q0817",
            text,
            stmt.method.span,
            label="estimates nothing",
            helps=["`minimize energy, error`", f"`{ESTIMATE}`"],
        )
    for other in found.all(MapAsStmt):
        text = "`map … as` maps other operators than the network computes with, so its errors cannot be measured"
        fail("Q0823", text, stmt.span, labels=[Label(other.span, "replaces layers")], helps=["use `noise`"])
    if network:
        check_network_learns(stmt, accuracy, network)
    return accuracy, most


def check_limits(limits: Iterable[LimitStmt]) -> float | None:
    """The largest error in per cent, None if it is not limited. Raises SpecError."""
    found = [(limit, largest(limit)) for limit in limits if limit.quantity.name == ERROR]
    for limit, most in found:
        if not 0 <= most.value <= 1:
            label = f"this is {float(100 * most.value):.6g} %"
            fail("Q0305", "an error is from 0 to 100 %", limit.value.span, label=label)
    return min((float(100 * most.value) for _, most in found), default=None)


def check_network_learns(stmt: AccuracyStmt, accuracy: Accuracy, network: Network) -> None:
    """Raises SpecError where the network has another shape than the data."""
    kind = DATA[accuracy.data.kind]
    inputs = [a for a in network.activations if a.is_input]
    given = [x for x in network.layers if not x.inputs]
    if given or len(inputs) != 1 or len(network.outputs) != 1:
        has = f"layer `{given[0].name}` is given by its sizes" if given else f"it has {len(inputs)} inputs"
        notes = [has if given or len(inputs) != 1 else f"it has {len(network.outputs)} outputs"]
        text = f"network `{network.name}` cannot be trained: it needs a graph from one input to one output"
        fail("Q0816", text, stmt.data.span, notes=notes)
    (output,) = (a for a in network.activations if a.name == network.outputs[0])
    shape, classes = inputs[0].shape[1:], output.shape[1:]
    if len(classes) != 1 or not kind.fits(shape, classes[0]):
        sizes, classified = (" x ".join(map(str, x)) for x in (shape, classes))
        text = f"network `{network.name}` does not fit the data `{accuracy.data.kind}`"
        notes = [f"`{accuracy.data.kind}` has {kind}", f"`{network.name}` reads {sizes} and puts out {classified}"]
        fail("Q0816", text, stmt.data.span, notes=notes, helps=["give the network the input and output of the data"])


def _source(stmt: AccuracyStmt) -> DataSource:
    kind = stmt.data.name
    if kind not in DATA:
        unknown("data", stmt.data, DATA)
    if DATA[kind].needs_path and stmt.path is None:
        fail("Q0205", f"`{kind}` needs the path of its files", stmt.data.span, helps=[f'`on {kind} from "../data"`'])
    if not DATA[kind].needs_path and stmt.path is not None:
        fail("Q0204", f"`{kind}` comes along and needs no path", stmt.path.span, helps=[f"`on {kind}`"])
    return DataSource(kind, _path(stmt.path))


def _path(text: Text | None) -> str:
    """Absolute; in a spec it is relative to the file, as an import is."""
    return os.path.abspath(os.path.join(os.path.dirname(text.span.source.path), text.value)) if text else ""


def _choice(name: str, expr: Expr) -> str:
    if not isinstance(expr, Name):
        fail("Q0307", f"`{name}` is a word", expr.span, helps=[f"there are {quoted(CHOICES[name])}"])
    if expr.dotted not in CHOICES[name]:
        unknown(f"`{name}`", whole_name(expr), CHOICES[name])
    return expr.dotted


def _number(name: str, expr: Expr) -> int | float:
    low, high = RANGES[name]
    is_whole = {f.name: f.type for f in fields(Accuracy)}[name] == "int"
    q = number(expr, {}, f"`{name}`", f"{name} = {max(low, 1):g}" if is_whole else f"{name} = 0.05", COUNT)
    if is_whole:
        return whole(q, expr.span, f"`{name}`", int(low), int(high))
    if not low <= q.value <= high:
        fail("Q0305", f"`{name}` must be from {low:g} to {high:g}", expr.span, label=f"this is {float(q.value):.6g}")
    return float(q.value)
