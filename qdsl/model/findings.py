"""Raising and collecting findings while a model is checked.

A check raises SpecError at its first finding; `collecting` marks the statements that are checked independently of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import NoReturn, Self, TypeVar

from qdsl.diagnostics import Diagnostic, Label, Severity, Sink, Span, SpecError, did_you_mean
from qdsl.syntax.tree import Ident, Name, Node

T = TypeVar("T")

MOST_FINDINGS = 100


def fail(
    code: str,
    message: str,
    span: Span | None,
    *,
    label: str = "",
    labels: Iterable[Label] = (),
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
) -> NoReturn:
    """Raises SpecError with one diagnostic."""
    raise SpecError([Diagnostic(code, message, span, label, tuple(labels), tuple(notes), tuple(helps))])


def warn(sink: Sink, code: str, message: str, span: Span | None, *, label: str = "", helps: Iterable[str] = ()) -> None:
    """Adds a warning; the model stays usable."""
    sink.add(Diagnostic(code, message, span, label, helps=tuple(helps), severity=Severity.WARNING))


def skip() -> NoReturn:
    """Ends a check that depends on something already reported."""
    raise SpecError([])


def hand_on(findings: Sink, sink: Sink) -> bool:
    """Adds the findings to the sink; False if any is an error."""
    _add(findings, sink)
    return not findings.errors


def _add(findings: Iterable[Diagnostic], sink: Sink) -> None:
    for diagnostic in findings:
        sink.add(diagnostic)
    if len(sink.diagnostics) > MOST_FINDINGS:
        raise EnoughError(sink.diagnostics)


class EnoughError(SpecError):
    """There are so many findings that the rest is not checked. It carries all of them through every `collecting`."""


class collecting:
    """The block's findings go to the sink, and what follows the block is checked as well, unless there are enough."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if not isinstance(error, SpecError):
            return False
        _add(error.diagnostics, self.sink)
        return True


def unknown(what: str, name: Ident, known: Iterable[str], *, of: str = "", helps: Iterable[str] = ()) -> NoReturn:
    """Raises the finding for a name that is declared nowhere: with the nearest known name, or else the `helps`.

    of: what the name should belong to.
    """
    known = sorted(set(known))
    near: tuple[str, ...] = did_you_mean(name.name, known)
    if not near:
        near = (*((f"known: {quoted(known)}",) if 0 < len(known) <= 12 else ()), *helps)
    owner = f" of `{of}`" if of else ""
    fail("Q0201", f"unknown {what} `{name.name}`{owner}", name.span, label="not declared", helps=near)


def lookup(what: str, name: Ident, known: Mapping[str, T | None], *, of: str = "") -> T:
    """The thing a name stands for. Raises SpecError if there is none; without finding if it was reported as wrong."""
    if name.name not in known:
        helps = [] if of else ["import the file that declares it"]
        unknown(what, name, known, of=of, helps=helps)
    value = known[name.name]
    return skip() if value is None else value


def distinct(what: str, names: Iterable[Ident]) -> None:
    """Raises for the first name that occurs a second time."""
    seen: dict[str, Ident] = {}
    for name in names:
        if first := seen.get(name.name):
            _twice(f"{what} `{name.name}` is named twice", name, first, "named")
        seen[name.name] = name


def at_most(limit: int, parts: Sequence[Node], owner: str, what: str) -> None:
    """Raises the finding for more parts than anything real has; `what` they are, in the plural."""
    if len(parts) > limit:
        text = f"{owner} has at most {limit} {what}"
        fail("Q0008", text, parts[limit].span, label="one too many", notes=[f"it has {len(parts)}"])


def duplicate(what: str, again: Ident, first: Ident) -> NoReturn:
    """Raises the finding for a second declaration of a name."""
    _twice(f"{what} `{again.name}` is declared twice", again, first, "declared")


def _twice(message: str, again: Ident, first: Ident, done: str) -> NoReturn:
    labels = [Label(first.span, f"first {done} here")]
    fail("Q0202", message, again.span, label=f"{done} again", labels=labels, helps=["rename or remove one of them"])


def whole_name(name: Name) -> Ident:
    """A dotted name as one."""
    return Ident(name=name.dotted, span=name.span)


def quoted(names: Iterable[str]) -> str:
    """`a`, `b` and `c`."""
    words = [f"`{n}`" for n in names]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}" if words else "none"
