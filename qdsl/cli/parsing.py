"""argparse with suggestions: a misspelt command, option or choice is answered with the nearest one."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from qdsl.diagnostics import nearest

_CHOICE = re.compile(r"invalid choice: '?(?P<given>[^' ]*)'? \(choose from (?P<known>[^)]*)\)")


class Parser(argparse.ArgumentParser):
    """Names are never abbreviated, so that a new option changes the meaning of no command line."""

    def error(self, message: str) -> NoReturn:
        if choice := _CHOICE.search(message):
            message += _hint(choice["given"], re.findall(r"[\w-]+", choice["known"]))
        super().error(message)

    def refuse(self, arguments: Sequence[str]) -> NoReturn:
        """Ends with what was not understood."""
        options = [a.partition("=")[0] for a in arguments if a.startswith("-")]
        hints = (_hint(option, self._option_string_actions) for option in options)
        self.error(f"unrecognized arguments: {' '.join(arguments)}{next(filter(None, hints), '')}")


def _hint(given: str, known: Sequence[str] | dict[str, argparse.Action]) -> str:
    near = nearest(given, known)
    return f"; did you mean {near}?" if near else ""
