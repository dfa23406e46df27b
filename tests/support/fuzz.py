"""Texts that nobody would write: damaged specs, and sentences of the grammar in the place of others."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from math import log
from pathlib import Path
from random import Random

from tests.support.grammar import Writer

WORDS = (
    *("0", "-1", "1", "7", "64", "0.5", "1e99", "1e-99", "9" * 18, "9" * 70, "1 / 0", "(", ")", "[", "]", "{", "}"),
    *('"', '""', "//", ";", ",", ":", ".", "..", "=", "==", "+=", "<=", "*", "-", "%", "pJ", "word", "bit", "KiB", "x"),
    *("if 1 == 1 then", "else", "not", "and", "in {1..4096}", "in {2..8}", "repeat 4000 as", "2 then 1", "per layer"),
    *("{1 .. 1e9 step 1e-9}", "for a in {1..64} {", "(" * 101, "- " * 101, "a" * 200, "\u00a0", "\u202e", "\x00", "µs"),
)
BYTES = (
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\xae",
    b"\r",
    b"\x0c",
    b"\xef\xbb\xbf",
    b'"',
    b"{",
    b"}",
    b"(",
    b"\n",
    b"//",
)
STATEMENTS = (
    *("_operator_stmt", "_memory_stmt", "_array_stmt", "_compute_stmt", "_accelerator_stmt", "_network_stmt", "item"),
    *("_block_stmt", "_mapping_stmt", "_constraint", "_study_stmt", "_precision_stmt", "expr", "value_set"),
)


@dataclass(frozen=True)
class Seed:
    """A spec to start from, in a directory that it can import from. weight: how often, the less the longer it takes."""

    path: Path
    text: str
    weight: float

    def chance(self, n: int) -> float:
        """Between 0 and 1, alike for equal texts."""
        digest = blake2b(b"%d" % n, digest_size=6, key=self.key).digest()
        return (int.from_bytes(digest) + 1) / 2**48

    @cached_property
    def key(self) -> bytes:
        return blake2b(self.text.encode(), digest_size=16).digest()


class Inputs:
    """Input `n` of a series depends on nothing but `n`, what the series is called and the spec that is drawn for it: few
    inputs change when a spec is added."""

    def __init__(self, name: str, seeds: list[Seed]) -> None:
        self.name = name
        self.seeds = seeds

    def __call__(self, n: int) -> tuple[Path, bytes]:
        """The directory to put it in, and the input."""
        random = Random(f"{self.name} {n}")
        seed = min(self.seeds, key=lambda s: -log(s.chance(n)) / s.weight)
        make = random.choices(list(_KINDS), list(_KINDS.values()))[0]
        return seed.path.parent, make(random, seed.text)


def _sentences(random: Random, text: str) -> bytes:
    return Writer(random, names=_names(text)).file().encode()


def _bytes(random: Random, text: str) -> bytes:
    """Some bytes changed, removed, repeated or put elsewhere."""
    data = bytearray(text.encode())
    for _ in range(random.randint(1, 6)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((1, 1, 2, 8, 40)))
        piece = bytes(data[start:end])
        if piece and random.random() < 0.3:
            data[start] ^= 1 << random.randrange(8)
            continue
        data[start:end] = random.choice((b"", piece * 2, random.choice(BYTES), piece + random.choice(BYTES)))
        if random.random() < 0.2:
            at = random.randrange(len(data) + 1)
            data[at:at] = piece
    return bytes(data)


def _words(random: Random, text: str) -> bytes:
    """Some words removed, exchanged, repeated, or replaced by extreme ones."""
    words = re.findall(r"\s+|\w+|.", text)
    for _ in range(random.randint(1, 5)):
        i, j = random.randrange(len(words)), random.randrange(len(words))
        words[i] = random.choice(("", words[j], f"{words[i]} {words[j]}", f"{words[i]} {random.choice(WORDS)} "))
    if random.random() < 0.1:
        i = random.randrange(len(words))
        words[i] *= random.choice((2, 30, 300))
    return "".join(words).encode("utf-8", "surrogatepass")


def _lines(random: Random, text: str) -> bytes:
    """Some lines removed, exchanged or repeated."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 4)):
        i, j = random.randrange(len(lines)), random.randrange(len(lines))
        lines[i : i + 1] = random.choice(([], [lines[j]], [lines[i], lines[j]], [lines[i]] * random.choice((2, 3, 50))))
        lines = lines or [""]
    return "\n".join(lines).encode()


def _grafts(random: Random, text: str) -> bytes:
    """Sentences of the grammar, with the names of the spec, between its lines."""
    lines = text.split("\n")
    writer = Writer(random, depth=random.choice((8, 16)), names=_names(text))
    for _ in range(random.randint(1, 3)):
        start = random.choice(STATEMENTS)
        lines.insert(random.randrange(len(lines) + 1), writer.laid_out(writer.words(start)))
    return "\n".join(lines).encode()


def _numbers(random: Random, text: str) -> bytes:
    """Some numbers replaced."""
    numbers = list(re.finditer(r"(?<![\w.])\d+(\.\d+)?", text))
    for match in sorted(random.sample(numbers, min(len(numbers), random.randint(1, 4))), key=lambda m: -m.start()):
        new = random.choice(
            ("0", "1", "2", "3", "5", "63", "64", "65", "0.5", "1e6", "1e18", "9" * 30, "(1 - 1)", "(2 * 3)")
        )
        text = text[: match.start()] + new + text[match.end() :]
    return text.encode()


_KINDS: dict[Callable[[Random, str], bytes], float] = {
    _sentences: 2,
    _bytes: 2.5,
    _words: 2.5,
    _lines: 1,
    _grafts: 1,
    _numbers: 1,
}


@cache
def _names(text: str) -> tuple[str, ...]:
    """Identifiers of a spec that are no keywords, with one that it lacks."""
    return (*sorted(set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"|//.*', "", text))) - _keywords()), "absent")


@cache
def _keywords() -> frozenset[str]:
    from qdsl.syntax.tables import tables

    return frozenset(tables().literals)
