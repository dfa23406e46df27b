"""The LALR tables of the grammar: built once by Lark, then loaded from the user's cache directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from lark import Lark, Token
from lark.lark import PostLex

from qdsl.resources import data_dir


@cache
def parser() -> Lark:
    """The parser of one import or declaration. Without a usable cache it is built, which takes some tenths of a second.

    Lark checks that what it finds in the cache belongs to this grammar and these versions of Lark and Python.
    """
    grammar = (data_dir("grammar") / "qdsl.lark").read_text(encoding="utf-8")
    directory = _cache_dir()
    return Lark(
        grammar,
        start="item",
        parser="lalr",
        propagate_positions=True,
        maybe_placeholders=True,
        postlex=_WholeWords(),
        cache=str(directory / "grammar.pickle") if directory else False,
    )


class _WholeWords(PostLex):
    """Has the lexer look for a NAME in every state, so that a keyword never matches the beginning of a longer word."""

    always_accept = ("NAME",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _cache_dir() -> Path | None:
    """The user's cache directory if nobody else can write there: what is unpickled could run code."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    directory = Path(base) / "qdsl"
    with suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
        if os.access(directory, os.W_OK) and (os.name == "nt" or _is_private(status)):
            return directory
    return None


def _is_private(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & 0o022
