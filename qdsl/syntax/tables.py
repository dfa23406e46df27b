"""The LALR tables of the grammar: Lark makes them once, then they come from the user's cache directory."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qdsl.resources import data_dir

if TYPE_CHECKING:
    from lark import Lark, Token
    from lark.grammar import Rule, Symbol


class Tables(NamedTuple):
    """Plain data, as it stands in the cache.

    actions: for every state, what a terminal does there: shift to a state (n >= 0) or reduce by a rule (~n).
    gotos: for every state, the state that follows a nonterminal.
    rules: for every rule its `Shape`. kept: terminals that some rule has among its children.
    patterns: of terminals that are regular expressions. literals: text of the others, '' for the end, to their names.
    """

    start: int
    end: int
    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    rules: list[Shape]
    kept: list[str]
    patterns: dict[str, str]
    literals: dict[str, str]


class Shape(NamedTuple):
    """How a rule is reduced.

    origin: the nonterminal. name: of the node, '' if the children go to the rule around it. length: of its right side.
    children: (index, whether it is itself a list of children, how many absent ones precede it). absent: how many follow.
    single: whether one child stands for the whole. chain: whether there is never another one.
    """

    origin: str
    name: str
    length: int
    children: list[list[int]]
    absent: int
    single: bool
    chain: bool


@cache
def tables() -> Tables:
    """The tables of grammar/qdsl.lark. Without a usable cache they are made anew, which takes some tenths of a second."""
    path = _kept("tables", "json")
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_bytes() if path else b"")
        rules = [Shape(*rule) for rule in kept["rules"]]
        return Tables(**{name: kept[name] for name in Tables._fields if name != "rules"}, rules=rules)
    made = _made()
    if path:
        _write(path, json.dumps(made._asdict()))
    return made


@cache
def parser() -> Lark:
    """Lark's own parser of one import or declaration. It says what is wrong; what is right is read by `reader`."""
    from lark import Lark
    from lark.lark import PostLex

    class WholeWords(PostLex):
        """Has the lexer look for a NAME in every state, so that a keyword never matches the beginning of a longer word."""

        always_accept = ("NAME",)

        def process(self, stream: Iterator[Token]) -> Iterator[Token]:
            return stream

    kept = _kept("grammar", "pickle")
    return Lark(
        _grammar(),
        start="item",
        parser="lalr",
        propagate_positions=True,
        maybe_placeholders=True,
        postlex=WholeWords(),
        cache=str(kept) if kept else False,
    )


def _grammar() -> str:
    return (data_dir("grammar") / "qdsl.lark").read_text(encoding="utf-8")


def _made() -> Tables:
    from lark.lexer import PatternStr
    from lark.parsers.lalr_analysis import Shift

    lark = parser()
    table: Any = lark.parser.parser._parse_table
    numbers = {rule: n for n, rule in enumerate(lark.rules)}
    origins = {rule.origin.name for rule in lark.rules}
    states = [table.states[n] for n in range(len(table.states))]
    return Tables(
        start=table.start_states["item"],
        end=table.end_states["item"],
        actions=[
            {name: to if kind is Shift else ~numbers[to] for name, (kind, to) in row.items() if name not in origins}
            for row in states
        ],
        gotos=[{name: to for name, (_, to) in row.items() if name in origins} for row in states],
        rules=[_shape(rule) for rule in lark.rules],
        kept=sorted({s.name for rule in lark.rules for s in rule.expansion if _is_kept(s)} - origins),
        patterns={t.name: t.pattern.to_regexp() for t in lark.terminals if not isinstance(t.pattern, PatternStr)},
        literals={"": "$END"} | {t.pattern.value: t.name for t in lark.terminals if isinstance(t.pattern, PatternStr)},
    )


def _shape(rule: Rule) -> Shape:
    """What Lark's tree builder would do: tokens that are filtered out, `[...]` that is absent, rules called `_...`."""
    flags: list[bool] = list(rule.options.empty_indices) or [False] * len(rule.expansion)
    children: list[list[int]] = []
    absent, index = 0, 0
    for is_absent in flags:
        if is_absent:
            absent += 1
            continue
        symbol = rule.expansion[index]
        if _is_kept(symbol):
            children.append([index, not symbol.is_term and symbol.name.startswith("_"), absent])
            absent = 0
        index += 1
    origin = rule.origin.name
    name = "" if origin.startswith("_") else str(rule.alias or origin)
    single = bool(rule.options.expand1) and not rule.alias
    chain = single and len(rule.expansion) == 1
    return Shape(origin, name, len(rule.expansion), children, absent, single, chain)


def _is_kept(symbol: Symbol) -> bool:
    return not getattr(symbol, "filter_out", False)


def _write(path: Path, text: str) -> None:
    """Replaces the file as a whole, so that no other process reads half of it; without success nothing is kept."""
    import tempfile

    with suppress(OSError):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)


def _kept(name: str, suffix: str) -> Path | None:
    """Where something is kept that follows from the grammar and this module; None if nothing can be."""
    directory = _cache_dir()
    key = hashlib.sha256(_grammar().encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    return directory / f"{name}-{key}.{suffix}" if directory else None


def _cache_dir() -> Path | None:
    """The user's cache directory if nobody else can write there: what Lark unpickles could run code."""
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
