"""An explained mapping as text and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from qdsl.cli.roofline import flows_table, roofline_json, roofline_line
from qdsl.cli.tables import energy
from qdsl.symbolic import Explanation
from qdsl.symbolic.explain import LevelPart, TensorPart
from qdsl.symbolic.notation import LATEX, TEXT, write

WIDTH = 116
"""Longer formulas go on in the next line."""


def explanation_text(x: Explanation) -> str:
    """Levels outermost first, then the energy of the rest, then what the cycles are made of."""
    lines = list(_legend(x))
    for level in x.levels:
        lines += ["", f"{level.name}: {energy(level.energy_pj)}, {x.share(level.energy_pj):.1%}"]
        for tensor in level.tensors:
            lines += _tensor(x, level, tensor)
    lines += ["", *_other_energy(x), f"total: {energy(x.evaluation.energy_pj)}", "", roofline_line(x.roofline), ""]
    return "\n".join([*lines, flows_table(x.roofline)])


def explanation_json(x: Explanation) -> dict[str, Any]:
    """Counts in words per instance over the run, energies in pJ over all instances."""
    levels = {
        level.name: {
            "energy_pj": level.energy_pj,
            "block_words": level.block_words,
            "tensors": {t.name: _tensor_json(x, t) for t in level.tensors},
        }
        for level in x.levels
    }
    return {
        "levels": levels,
        "networks": {
            name: {"pj_per_bit_hop": pj, "tensors": dict(tensors), "energy_pj": sum(e for _, e in tensors)}
            for name, pj, tensors in x.networks
        },
        "compute": {
            "operations": x.evaluation.operations,
            "pj_per_operation": x.compute[1],
            "energy_pj": x.evaluation.compute_energy_pj,
        },
        "leakage": {"pj_per_cycle": x.leakage_pj_per_cycle, "energy_pj": x.evaluation.leakage_pj},
        "energy_pj": x.evaluation.energy_pj,
        "cycles": x.evaluation.cycles,
        "roofline": roofline_json(x.roofline),
    }


def energy_terms(level: LevelPart, t: TensorPart) -> str:
    """`16 x (1,728 reads x 0.5 pJ + 108 fills x 0.5 pJ), 4 words each`"""
    terms = " + ".join(f"{a.accesses:,} {a.kind} x {a.pj:g} pJ" for a in t.accesses) or "nothing moves"
    many = f"{t.instances:,} x ({terms})" if t.instances > 1 else terms
    return many + (f", {level.block_words} words each" if level.block_words > 1 else "")


def _legend(x: Explanation) -> Iterator[str]:
    yield "Counts are words of one instance over the whole run, energies those of all instances."
    if x.partial:
        yield "The last iterations of some loops are partial: counts are sums over tiles of different sizes, without formulas."
    elif x.factors:
        dim, place, _ = next(iter(x.factors.values()))
        symbol = f"{TEXT.symbol(dim, place, 1)} is the factor of {dim} at {place}."
        yield f"{symbol} The formulas hold for every mapping with these loops in this order."


def _tensor_json(x: Explanation, t: TensorPart) -> dict[str, Any]:
    return {
        "packing": t.packing,
        "tile": dict(t.tile),
        "shape": list(t.shape),
        "values": t.values,
        "counts": {
            c.kind: {
                "value": c.value,
                "formula": None if c.formula is None else write(c.formula, x.factors, TEXT),
                "latex": None if c.formula is None else write(c.formula, x.factors, LATEX),
            }
            for c in t.counts
        },
        "reasons": [{"kind": r.kind, "text": r.text, "factor": r.factor} for r in t.reasons],
        "accesses": [{"kind": a.kind, "words": a.words, "accesses": a.accesses, "pj": a.pj} for a in t.accesses],
        "instances": t.instances,
        "energy_pj": t.energy_pj,
        "share": x.share(t.energy_pj),
    }


def _tensor(x: Explanation, level: LevelPart, t: TensorPart) -> Iterator[str]:
    yield f"  {t.name}: {energy(t.energy_pj)}, {x.share(t.energy_pj):.1%}"
    extents = ", ".join(f"{d} {n}" for d, n in t.tile)
    shape = " x ".join(f"{n:,}" for n in t.shape if n > 1)
    product = f"{shape} = " if " x " in shape else ""
    yield f"    tile     {f'{extents}: {product}' if extents else ''}{_values(t.values)} of {t.packing}"
    digits = max(len(f"{c.value:,}") for c in t.counts)
    for count in t.counts:
        formula = "" if count.formula is None else f" = {write(count.formula, x.factors, TEXT)}"
        yield from _wrapped(f"    {count.kind:<8} {count.value:>{digits},}{formula}", 16 + digits)
    for reason in t.reasons:
        yield from _wrapped(f"    {reason.kind}: {reason.text}", 13)
    yield from _wrapped(f"    energy   {energy_terms(level, t)}", 13)


def _values(n: int) -> str:
    return f"{n:,} value{'s' if n != 1 else ''}"


def _wrapped(line: str, indent: int) -> list[str]:
    # a divisor stays with what it divides
    whole = line.replace(" / ", "\xa0/\xa0")
    hanging = " " * indent
    wrapped = textwrap.wrap(whole, WIDTH, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
    return [part.replace("\xa0", " ") for part in wrapped]


def _other_energy(x: Explanation) -> Iterator[str]:
    e = x.evaluation
    for name, pj, tensors in x.networks:
        whole = sum(part for _, part in tensors)
        parts = ", ".join(f"{tensor} {energy(part)}" for tensor, part in tensors)
        yield f"hops of {name}: {energy(whole)}, {x.share(whole):.1%} = {whole / pj:,.0f} bits x {pj:g} pJ: {parts}"
    name, pj = x.compute
    share = x.share(e.compute_energy_pj)
    yield f"{name}: {energy(e.compute_energy_pj)}, {share:.1%} = {e.operations:,} operations x {pj:g} pJ"
    if e.leakage_pj:
        share = x.share(e.leakage_pj)
        yield f"leakage: {energy(e.leakage_pj)}, {share:.1%} = {e.cycles:,} cycles x {x.leakage_pj_per_cycle:g} pJ"
