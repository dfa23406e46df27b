"""What each constraint of a study takes away, in numbers of mappings: a part of `qdsl count`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qdsl.cli.tables import columns

if TYPE_CHECKING:
    from qdsl.model.network import Layer
    from qdsl.model.study import Study


@dataclass(frozen=True)
class Effects:
    """Mappings of some layers together. legal: under all constraints; free: under none; rows: per constraint (text, under
    all others, under it alone). uncounted: layers that are in no sum since the time was up."""

    title: str
    legal: int
    free: int
    rows: tuple[tuple[str, int, int], ...]
    uncounted: tuple[str, ...]


def effects_of(study: Study, layers: Sequence[Layer], given: Mapping[str, int], deadline: float) -> Effects:
    """given: widths of tensors; the others have the widest that the study allows. Raises SpecError as `count_batch`."""
    from qdsl.cli.selection import known_widths, widest_bits, with_widths
    from qdsl.mapspace import TimeUp, count_under
    from qdsl.study.keys import applying

    widest, known = widest_bits(study), known_widths(layers, given)
    alike: dict[tuple[Any, ...], list[str]] = {}
    for x in layers:
        bits = with_widths(x, widest[x.name], known[x.name])
        alike.setdefault((x.problem, tuple(bits.items())), []).append(x.name)
    sums = [0] * (2 + 2 * len(study.constraints))
    uncounted: list[str] = []
    for (problem, widths), names in alike.items():
        every = applying(study.constraints, problem)
        others = [[c for c in every if c is not dropped] for dropped in study.constraints]
        alone = [[c] if c in every else [] for c in study.constraints]
        try:
            found = count_under(study.accelerator, problem, [dict(widths)], [every, (), *others, *alone], deadline)
        except TimeUp:
            uncounted.extend(names)
            continue
        sums = [total + len(names) * n for total, (n,) in zip(sums, found, strict=True)]
    legal, free, *rest = sums
    texts = [c.text for c in study.constraints]
    title = f"{_counted(len(layers) - len(uncounted))} onto {study.accelerator.name}"
    rows = tuple(zip(texts, rest[: len(texts)], rest[len(texts) :], strict=True))
    return Effects(title, legal, free, rows, tuple(uncounted))


def effects_table(effects: Effects) -> str:
    """Changes are against the mappings under all constraints, and without any."""
    rows = [
        [text, f"{without:,}", _times(without, effects.legal), f"{alone:,}", _times(alone, effects.free)]
        for text, without, alone in effects.rows
    ]
    table = columns(("constraint", "without it", "", "with it alone", ""), rows)
    return f"{effects.title}: {effects.legal:,} legal mappings, {effects.free:,} without constraints\n{table}"


def effects_json(effects: Effects) -> dict[str, Any]:
    return {
        "constraints": [
            {"constraint": text, "mappings_without": without, "mappings_alone": alone}
            for text, without, alone in effects.rows
        ],
        "mappings_under_all": effects.legal,
        "mappings_under_none": effects.free,
        "uncounted": list(effects.uncounted),
    }


def _times(n: int, base: int) -> str:
    """`x1.87`, also of numbers that no double holds; nothing where there is no difference."""
    if n == base or not base:
        return ""
    ratio = n / base
    return f"x{ratio:.3g}" if abs(ratio - 1) >= 0.01 else f"x{ratio:.6g}"


def _counted(layers: int) -> str:
    return "1 layer" if layers == 1 else f"{layers} layers"
