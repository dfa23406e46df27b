"""Findings that only follow from text that could not be read: most would go away with it, so they are not shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qdsl.diagnostics import Diagnostic, Span
from qdsl.model.imports import LoadedFile

# What is said where a name or a use of it is missing: a follow-up if the name stands in the text that was not read.
_NAMES = frozenset(["Q0201", "Q0203", "Q0204", "Q0205", "Q0404", "Q0411", "Q0414", "Q0420", "Q0505", "Q0603", "Q0604"])
# What is said of a declaration or block that lacks something, or has it in the wrong order: a follow-up if anything in it
# was not read.
_WHOLE = frozenset(["Q0401", "Q0416", "Q0419", "Q0501", "Q0502", "Q0503", "Q0804"])
_QUOTED = re.compile(r"`([^`]*)`")
_WORD = re.compile(r"\w+")


def is_follow_up(diagnostic: Diagnostic, files: Sequence[LoadedFile], complete: bool) -> bool:
    """complete: whether all imports were found; if not, any name may be missing."""
    if diagnostic.code not in _NAMES | _WHOLE:
        return False
    lost = [span for f in files for span in f.tree.lost]
    complete = complete and not any(_text(span).lstrip().startswith("import") for span in lost)
    if not complete and diagnostic.code in _NAMES:
        return True
    if diagnostic.code in _WHOLE:
        return any(diagnostic.span and _same_declaration(span, diagnostic.span, files) for span in lost)
    named = {word for quoted in _QUOTED.findall(diagnostic.message.casefold()) for word in _WORD.findall(quoted)}
    # an index is its dimension in lower case
    return any(named & set(_WORD.findall(_text(span).casefold())) for span in lost)


def _same_declaration(lost: Span, at: Span, files: Sequence[LoadedFile]) -> bool:
    around = (d.span for f in files for d in f.tree.declarations if f.source is at.source)
    return lost.source is at.source and any(
        d.start <= lost.start <= d.end and d.start <= at.start <= d.end for d in around
    )


def _text(span: Span) -> str:
    return span.source.text[span.start : span.end]
