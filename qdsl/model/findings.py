"""Raising and collecting findings while a model is checked.

A check raises SpecError at its first finding; `collecting` marks the statements that are checked independently of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from types import TracebackType
from typing import NoReturn, Protocol, Self, TypeVar

from qdsl.diagnostics import Diagnostic, Label, Severity, Sink, Span, SpecError, did_you_mean
from qdsl.syntax.tree import Ident, Name, Node

T = TypeVar("T")
U = TypeVar("U")

MOST_LISTED = 12  # names

MOST_ERRORS = 100


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
    sink.add(warning(code, message, span, label=label, helps=helps))


def warning(
    code: str,
    message: str,
    span: Span | None,
    *,
    label: str = "",
    labels: Iterable[Label] = (),
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
) -> Diagnostic:
    return Diagnostic(code, message, span, label, tuple(labels), tuple(notes), tuple(helps), Severity.WARNING)


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
    if len(sink.diagnostics) > MOST_ERRORS and len(sink.errors) > MOST_ERRORS:
        raise EnoughError(sink.diagnostics)


class EnoughError(SpecError):
    """There are so many errors that the rest is not checked. It carries all of them through every `collecting`."""


class collecting:
    """The block's findings go to the sink, and what follows the block is checked as well, unless there are enough.

    failed: whether the block was left early."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if not isinstance(error, SpecError):
            return False
        self.failed = True
        _add(error.diagnostics, self.sink)
        return True


class Attempts:
    """Parts of one thing that are checked independently of each other, so that all that is wrong with it shows."""

    def __init__(self) -> None:
        self._found = Sink()
        self._failed = False

    def __call__(self, part: Callable[[], T], instead: U) -> T | U:
        """The value of a part, or what stands for it where that is wrong."""
        with collecting(self._found) as attempt:
            return part()
        self._failed |= attempt.failed
        return instead

    def done(self) -> None:
        """Raises SpecError with what was found in all parts, if one of them was wrong."""
        if self._failed:
            raise SpecError(self._found)


class Named(Protocol):
    """Something declared that other names belong to. span: of its name."""

    @property
    def name(self) -> str: ...
    @property
    def span(self) -> Span | None: ...


def unknown(
    what: str, name: Ident, known: Iterable[str], *, of: Named | str | None = None, helps: Iterable[str] = ()
) -> NoReturn:
    """Raises the finding for a name that is declared nowhere: with the nearest known name, or else the `helps`.

    of: what the name should belong to, or only its name.
    """
    declared = None if isinstance(of, str) or of is None else of.span
    known = sorted(known) if isinstance(known, Set) else list(dict.fromkeys(known))
    listed = quoted(known) if 0 < len(known) <= MOST_LISTED else ""
    helps = did_you_mean(name.name, known) or (
        *((f"known: {listed}",) if listed and not declared else ()),
        *helps,
    )
    labels = [Label(declared, f"has {listed}" if listed else "declared here")] if declared else []
    owner = f" of `{of if isinstance(of, str) else of.name}`" if of else ""
    fail("Q0201", f"unknown {what} `{name.name}`{owner}", name.span, label="not declared", labels=labels, helps=helps)


def lookup(
    what: str,
    name: Ident,
    known: Mapping[str, T | None],
    *,
    of: Named | None = None,
    declared: Mapping[tuple[str, str], Ident] | None = None,
) -> T:
    """The thing a name stands for. Raises SpecError if there is none; without finding if it was reported as wrong.

    declared: where things of all kinds are declared, by kind and name.
    """
    if name.name not in known:
        others = [(kind, ident) for (kind, n), ident in (declared or {}).items() if n == name.name]
        for kind, ident in others:
            labels = [Label(ident.span, f"declared as {with_article(kind)}")]
            listed = [f"there is {with_article(what)} `{n}`" for n in list(known)[:1]]
            fail(
                "Q0201",
                f"`{name.name}` is no {what}",
                name.span,
                label=f"{with_article(what)} is expected",
                labels=labels,
                helps=listed,
            )
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


def with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def whole_name(name: Name) -> Ident:
    """A dotted name as one."""
    return Ident(name=name.dotted, span=name.span)


def quoted(names: Iterable[str]) -> str:
    """`a`, `b` and `c`."""
    words = [f"`{n}`" for n in names]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}" if words else "none"


def text_of(span: Span) -> str:
    """A statement as written, on one line."""
    return " ".join(span.source.text[span.start : span.end].split())
