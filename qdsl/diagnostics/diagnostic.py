"""A finding about a spec: what, where, why, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from qdsl.diagnostics.span import Span

_MOST_COMPARED = 100
_LONGEST_COMPARED = 200


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A related place and what it has to do with the finding."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `span` is None only when no source text exists (a missing file on the command line).

    code: `Q` and four digits, declared in `qdsl.diagnostics.codes`.
    label: words under the caret; labels: other places; notes: the numbers; helps: the fix.
    imported: the imports through which the file of the span is read, from it to the first file.
    """

    code: str
    message: str
    span: Span | None
    label: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR
    imported: tuple[Label, ...] = field(default=(), compare=False)


class SpecError(Exception):
    """One or more diagnostics that end the current stage. The command line turns it into text and exit code 1."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        """The findings as the command line shows them."""
        from qdsl.diagnostics.render import render_text

        return render_text(self.diagnostics).strip()

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Diagnostic, ...]]]:
        """Pickled by its diagnostics: worker processes hand it back."""
        return SpecError, (self.diagnostics,)


@dataclass
class Sink:
    """Collects findings so that one run reports all of them."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    _seen: set[Diagnostic] = field(default_factory=set, init=False, repr=False, compare=False)

    def add(self, diagnostic: Diagnostic) -> None:
        if diagnostic not in self._seen:
            self._seen.add(diagnostic)
            self.diagnostics.append(diagnostic)

    def take(self, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.diagnostics)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)

    def raise_if_errors(self) -> None:
        """Raises SpecError with everything collected if any of it is an error."""
        if self.errors:
            raise SpecError(self.diagnostics)


def denied(diagnostics: Iterable[Diagnostic], codes: Collection[str]) -> list[Diagnostic]:
    """The findings, warnings of the given codes as errors; `warnings` stands for all of them."""
    return [replace(d, severity=Severity.ERROR) if _is_denied(d, codes) else d for d in diagnostics]


def _is_denied(d: Diagnostic, codes: Collection[str]) -> bool:
    return d.severity is Severity.WARNING and (d.code in codes or "warnings" in codes)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like one, capitals aside; None if none is near, or it is no name anybody would write."""
    if len(name) > _LONGEST_COMPARED:
        return None
    folded = {c.casefold(): c for c in sorted(set(known))}
    near = difflib.get_close_matches(name.casefold(), _likely(name.casefold(), folded), n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """A help line naming the nearest known name, or nothing when none is near."""
    near = nearest(name, known)
    return (f"did you mean `{near}`?",) if near else ()


def _likely(name: str, known: Iterable[str]) -> list[str]:
    """The known names that begin and end most like one: comparing it with thousands would take seconds."""
    candidates = list(known)
    if len(candidates) <= _MOST_COMPARED:
        return candidates

    def shared(other: str) -> int:
        return _alike(name, other) + _alike(name[::-1], other[::-1])

    return sorted(candidates, key=shared, reverse=True)[:_MOST_COMPARED]


def _alike(a: str, b: str) -> int:
    """Letters at the beginning that are the same."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
