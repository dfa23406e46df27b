"""Phrases of an explained mapping, the same in HTML and Markdown."""

from __future__ import annotations

from qdsl.report.quantities import NARROW, grouped
from qdsl.symbolic.explain import LevelPart, TensorPart


def tile_text(t: TensorPart) -> str:
    """`C 3, P 16, R 3: 3 × 18 = 54 values of 8 bits, 2 per 16-bit word`"""
    extents = ", ".join(f"{dim} {grouped(n)}" for dim, n in t.tile)
    shape = " × ".join(grouped(n) for n in t.shape if n > 1)
    values = f"{grouped(t.values)} value{'s' if t.values != 1 else ''} of {t.packing}"
    if not extents:
        return values
    return f"{extents}: {f'{shape} = ' if '×' in shape else ''}{values}"


def accesses_text(level: LevelPart, t: TensorPart) -> str:
    """`16 × (1 728 reads × 0.5 pJ + 108 fills × 0.5 pJ), 4 words each`"""
    terms = [f"{grouped(a.accesses)} {a.kind} × {a.pj:g}{NARROW}pJ" for a in t.accesses]
    once = " + ".join(terms) or "nothing moves"
    many = f"{grouped(t.instances)} × ({once})" if t.instances > 1 else once
    return many + (f", {level.block_words} words each" if level.block_words > 1 else "")
