"""Warnings that a spec allows, with a reason: `// allow Q0420: read by hand` behind a statement, or on a line before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from qdsl.diagnostics import Diagnostic, Severity, Sink, SourceFile, Span, did_you_mean
from qdsl.diagnostics.codes import CODES, WARNINGS
from qdsl.model.findings import warning
from qdsl.syntax.tree import Comment, File, Node

_ALLOWS = re.compile(r"//\s*allow\s+(?=[Qq]\d)")
_CODE = re.compile(r"\w+")
_CODES = re.compile(r"\w+(?:\s*,\s*\w+)*")

# What other warnings are found only with a study or its feasibility in view.
_BY_FEASIBILITY = frozenset(["Q0708", "Q0709"])
_BY_STUDY = frozenset(["Q0505", "Q0508", "Q0510", "Q0511", "Q0512", "Q0815"])


@dataclass(frozen=True)
class Allowance:
    """One code that a comment allows. at: the code in it; covers: where findings may begin."""

    code: str
    at: Span
    covers: Span
    reason: str

    def allows(self, d: Diagnostic) -> bool:
        here = d.span is not None and d.span.source is self.covers.source
        return here and d.code == self.code and self.covers.start <= d.span.start < self.covers.end  # type: ignore[union-attr]


def allowances_of(tree: File, source: SourceFile, sink: Sink) -> list[Allowance]:
    """What the comments of a file allow; the sink gets what is wrong with them."""
    found: list[Allowance] = []
    for comment in tree.comments:
        if _ALLOWS.match(comment.text):
            found += _read(comment, tree, source, sink)
    return found


def without_allowed(
    found: Iterable[Diagnostic], allowances: Sequence[Allowance]
) -> tuple[list[Diagnostic], set[Allowance]]:
    """The findings that nothing allows, and the allowances that were needed."""
    left, needed = [], set()
    for d in found:
        allowing = [a for a in allowances if d.severity is Severity.WARNING and a.allows(d)]
        needed.update(allowing)
        if not allowing:
            left.append(d)
    return left, needed


def needless(allowances: Iterable[Allowance], with_study: bool) -> Iterator[Diagnostic]:
    """Warnings of allowances that allow nothing. with_study: whether the file has a study; without one not all is known."""
    for a in allowances:
        if a.code not in _BY_FEASIBILITY and (with_study or a.code not in _BY_STUDY):
            helps = ["remove it, or put it behind the statement or on the line before it"]
            yield warning(
                "Q0109",
                f"there is no `{a.code}` to allow here",
                a.at,
                notes=[f"`{a.code}`: {CODES[a.code]}"],
                helps=helps,
            )


def _read(comment: Comment, tree: File, source: SourceFile, sink: Sink) -> Iterator[Allowance]:
    start = comment.span.start
    begin = _ALLOWS.match(comment.text)
    codes = _CODES.match(comment.text, begin.end() if begin else 0)
    assert begin and codes
    rest = comment.text[codes.end() :].strip()
    if not rest.startswith(":") or not rest.removeprefix(":").strip():
        helps = (f"for example `// allow {codes[0]}: measured apart`",)
        sink.add(Diagnostic("Q0108", "an allowance says why, behind a colon", comment.span, helps=helps))
    covers = _covered(comment, tree, source)
    for match in _CODE.finditer(comment.text, begin.end(), codes.end()):
        at, code = Span(source, start + match.start(), start + match.end()), match[0].upper()
        if code not in CODES:
            sink.add(Diagnostic("Q0108", f"there is no rule `{code}`", at, helps=did_you_mean(code, WARNINGS)))
        elif code not in WARNINGS:
            helps = (f"`qdsl rule {code}` explains it",)
            sink.add(Diagnostic("Q0108", f"`{code}` is an error, and only warnings can be allowed", at, helps=helps))
        else:
            yield Allowance(code, at, covers, rest.removeprefix(":").strip())


def _covered(comment: Comment, tree: File, source: SourceFile) -> Span:
    """The line of a comment behind a statement; else the statement or declaration that comes next, with its block."""
    line = source.position(comment.span.start)[0]
    if source.line(line)[: source.position(comment.span.start)[1] - 1].strip():
        start, _ = source.line_range(line)
        return Span(source, start, comment.span.start)
    start = _next_code(comment.span.end, tree, source)
    ends = [node.span.end for node in _nodes(tree) if node.span.start == start]
    end_of_line = source.line_range(source.position(start)[0])[1]
    return Span(source, start, max([*ends, end_of_line]))


def _next_code(offset: int, tree: File, source: SourceFile) -> int:
    """Where the first thing behind an offset begins that is no comment."""
    comments = {c.span.start: c.span.end for c in tree.comments}
    while offset < len(source.text):
        if source.text[offset].isspace():
            offset += 1
        elif offset in comments:
            offset = comments[offset]
        else:
            break
    return offset


def _nodes(tree: File) -> Iterator[Node]:
    left: list[object] = [*tree.imports, *tree.declarations]
    while left:
        part = left.pop()
        if isinstance(part, tuple):
            left.extend(part)
        elif isinstance(part, Node):
            yield part
            left.extend(getattr(part, f.name) for f in fields(part))
