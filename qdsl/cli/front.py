"""`qdsl map --front`: the mappings of layers that none beats in both energy and cycles."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.groups import Key, key_of
from qdsl.cli.solving import Question, solve_fronts
from qdsl.cli.tables import columns, energy, widths

if TYPE_CHECKING:
    from qdsl.mapper import FrontResult
    from qdsl.model.mapping import Mapping as LayerMapping
    from qdsl.model.study import Model
    from qdsl.study.saved import SavedAnswer


def map_fronts(model: Model, questions: Sequence[Question], args: argparse.Namespace, console: Console) -> int:
    """Prints the front of every question; every point of it is saved as an answer of its own."""
    from qdsl.study.saved import count_legal, save_answers, saved_answer

    results: list[dict[str, Any]] = []
    saved: list[SavedAnswer] = []
    failed = False
    found: dict[Key, FrontResult] = {}
    fronts = solve_fronts(questions, args)
    for q in questions:
        key = key_of(q.asked, q.bits)
        if key not in found:
            found[key] = next(fronts)
        front = found[key]
        failed |= not front.points
        if console.json:
            results.append(_front_json(q, front))
        else:
            print(("\n" if q is not questions[0] else "") + _front_text(q, front))
        if args.out and front.points:
            legal = count_legal(q.asked, q.bits)
            saved += (saved_answer(q.asked, q.bits, answer, legal, args.imperfect) for answer in front.answers)
            save_answers(args.out, model, shlex.join(args.command_line), saved)
    if console.json:
        print_json({"results": results})
    elif saved:
        print(f"\nsaved in {args.out}; `qdsl verify {args.out}` checks it again")
    return 1 if failed else 0


def _front_json(q: Question, front: FrontResult) -> dict[str, Any]:
    from qdsl.cli.evaluation import mapping_json
    from qdsl.model.mapping_text import format_mapping

    return {
        "layer": q.label,
        "bits": dict(q.bits),
        "status": front.status,
        "seconds": round(front.seconds, 3),
        "left": [{"cycles": cycles, "energy_pj": pj} for cycles, pj in front.left],
        "points": [
            {
                "cycles": found.cycles,
                "energy_pj": found.energy_pj,
                "mapping": mapping_json(mapping),
                "mapping_text": format_mapping(mapping, q.asked.accelerator),
            }
            for mapping, found in front.points
        ],
    }


def _front_text(q: Question, front: FrontResult) -> str:
    points = f"{len(front.points)} point{'' if len(front.points) == 1 else 's'}"
    head = f"{q.label} onto {q.asked.accelerator.name}, bits {widths(q.bits)}: {points}, {front.status}"
    lines = [f"{head} ({front.seconds:.2f} s)"]
    if front.points:
        rows = [
            (f"{found.cycles:,}", energy(found.energy_pj), f"{found.utilization * found.useful:.0%}")
            for _, found in front.points
        ]
        loops = ["mapping", *(_loops(mapping, q) for mapping, _ in front.points)]
        table = columns(("cycles", "energy", "busy"), rows, left=0).splitlines()
        lines += [f"  {line}  {nest}" for line, nest in zip(table, loops, strict=True)]
    if front.left:
        cycles, pj = min(front.left)
        lines.append(
            f"  not all was searched: {len(front.left)} choices left, from {cycles:,.0f} cycles and {energy(pj)} on"
        )
    return "\n".join(lines)


def _loops(mapping: LayerMapping, q: Question) -> str:
    """The loops of a mapping in one line, outermost place first."""
    nests = ((place, mapping.loops(place)) for place in q.asked.accelerator.places)
    return ", ".join(f"{place} {' '.join(f'{x.dim}{x.factor}' for x in loops)}" for place, loops in nests if loops)
