"""Where findings and notes go, and how they look: stderr, in colour on terminals, as JSON lines where a program
reads."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable
from typing import Any

from qdsl.diagnostics import Diagnostic


class Console:
    """color: 'auto', 'always' or 'never'; json: findings as JSON lines; deny: codes of warnings that are errors here."""

    def __init__(self, color: str, json: bool, deny: Collection[str] = ()) -> None:
        self.json = json
        self.deny = deny
        self.color = color == "always" or (color == "auto" and _is_colour_terminal())

    def findings(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Prints diagnostics to stderr."""
        found = tuple(diagnostics)
        if not found:
            return
        from qdsl.diagnostics import render_json, render_text

        text = render_json(found) if self.json else render_text(found, self.color, _width())
        print(text.rstrip("\n"), file=sys.stderr)

    def note(self, text: str) -> None:
        """A line for people, on stderr."""
        print(text, file=sys.stderr)


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def _is_colour_terminal() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stderr.isatty() and os.environ.get("TERM") != "dumb")


def _width() -> int:
    """Columns that `COLUMNS` names, else those of the terminal that shows the findings, else 100."""
    if (stated := os.environ.get("COLUMNS", "")).isdecimal() and int(stated):
        return int(stated)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 100
    except (OSError, ValueError):
        return 100
