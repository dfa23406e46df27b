"""Where findings and notes go, and how they look: stderr, in colour on terminals, as JSON lines where a program
reads."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from typing import Any

from qdsl.diagnostics import Diagnostic


class Console:
    """color: 'auto', 'always' or 'never'; json: findings as JSON lines."""

    def __init__(self, color: str, json: bool) -> None:
        self.json = json
        self.color = color == "always" or (color == "auto" and _is_colour_terminal())

    def findings(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Prints diagnostics to stderr."""
        found = tuple(diagnostics)
        if not found:
            return
        from qdsl.diagnostics.render import render_json, render_text

        text = (
            render_json(found)
            if self.json
            else render_text(found, self.color, shutil.get_terminal_size((100, 24)).columns)
        )
        print(text.rstrip("\n"), file=sys.stderr)

    def note(self, text: str) -> None:
        """A line for people, on stderr."""
        print(text, file=sys.stderr)


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def _is_colour_terminal() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
