"""`qdsl count`: how many legal mappings layers have."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import columns, widths

if TYPE_CHECKING:
    from qdsl.mapspace import Counts
    from qdsl.model.accelerator import Accelerator
    from qdsl.model.constraint import Constraint
    from qdsl.model.network import Layer
    from qdsl.model.operator import Problem
    from qdsl.model.study import Model, Study
    from qdsl.study.width_grid import WidthGrid

NAME = "count"
HELP = "Count the legal mappings of layers, exactly."
EXAMPLE = """example: qdsl count specs/studies/mobilenet_v1_eyeriss.qdsl --layer stem --all-widths

A file with a study: its layers under its constraints, at the widest bit-widths it allows unless --bits says otherwise.
A file with mapping blocks and no study: each block's layer at its bit-widths, without constraints.
placements: choices of factors for all places, and of what is kept where that is open; classes: mappings that differ in
more than orders of loops that no count depends on; mappings: placements times their legal loop orders."""

# Name on the command line -> field of Counts.
FIGURES = {"placements": "factor_placements", "classes": "order_classes", "mappings": "mappings"}


@dataclass(frozen=True)
class _Question:
    """One layer at one or many widths. grid: the table of which they are the cells, None for a single choice."""

    label: str
    layer: Layer
    accelerator: Accelerator
    constraints: tuple[Constraint, ...]
    bits: tuple[Mapping[str, int], ...]
    grid: WidthGrid | None = None


# None where the time was up.
_Answer = tuple[_Question, "tuple[Counts, ...] | None"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import bits, positive_seconds

    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--layer", metavar="NAME", action="append", default=[], help="only this one (may be repeated)")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of tensors")
    which.add_argument("--all-widths", action="store_true", help="a table over the widths that the study allows")
    parser.add_argument("--of", choices=tuple(FIGURES), help="what to show (default: all; in a table mappings)")
    parser.add_argument("--constraints", action="store_true", help="also what each constraint of the study takes away")
    parser.add_argument("--time-limit", metavar="SECONDS", type=positive_seconds, default=inf, help="for all counts")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.constraint_effects import effects_json, effects_of, effects_table
    from qdsl.cli.selection import checked, layers_of, study_of

    deadline = time.perf_counter() + args.time_limit
    model = checked(args.file, console)
    answers = _answers(_questions(model, args), deadline)
    effects = None
    if args.constraints:
        study = study_of(model, args.study)
        effects = effects_of(study, layers_of(study, args.layer), args.bits, deadline)
    if console.json:
        results = [_answer_json(q, b, n) for q, counts in answers for b, n in _rows(q, counts)]
        whole = {"results": results, **(results[0] if len(results) == 1 else {})}
        print_json(whole | (effects_json(effects) if effects else {}))
    else:
        tables = (
            [_widths_table(q, n, args.of) for q, n in answers] if args.all_widths else [_layers_table(answers, args.of)]
        )
        print("\n\n".join([*tables, *([effects_table(effects)] if effects else [])]))
    late = dict.fromkeys([q.label for q, counts in answers if counts is None])
    late.update(dict.fromkeys(effects.uncounted if effects else ()))
    if late:
        console.note(f"not counted within {args.time_limit:g} s: {', '.join(late)}")
    return 0


def _answers(questions: Iterable[_Question], deadline: float) -> list[_Answer]:
    from qdsl.mapspace import TimeUp, count_batch

    known: dict[tuple[Accelerator, Problem, str], tuple[Counts, ...] | None] = {}
    answers: list[_Answer] = []
    for q in questions:
        # The questions of one file differ in nothing else.
        key = q.accelerator, q.layer.problem, repr(q.bits)
        if key not in known:
            try:
                known[key] = count_batch(q.accelerator, q.layer.problem, q.bits, q.constraints, deadline)
            except TimeUp:
                known[key] = None
        answers.append((q, known[key]))
    return answers


def _questions(model: Model, args: argparse.Namespace) -> list[_Question]:
    from qdsl.cli.selection import known_widths, layers_of, mappings_of, named, study_of, widest_bits, with_widths

    if args.study or args.all_widths or args.constraints or model.studies:
        study = study_of(model, args.study)
        layers = layers_of(study, args.layer)
        if args.all_widths:
            return [_over_widths(study, x) for x in layers]
        widest = widest_bits(study)
        given = known_widths(layers, args.bits)
        return [
            _Question(x.name, x, study.accelerator, study.constraints, (with_widths(x, widest[x.name], given[x.name]),))
            for x in layers
        ]
    written = mappings_of(model, None)
    if args.layer:
        written = tuple(named("layer", name, written, lambda m: m.layer.name) for name in dict.fromkeys(args.layer))
    given = known_widths([m.layer for m in written], args.bits)
    return [
        _Question(
            f"{m.network}.{m.layer.name}",
            m.layer,
            m.accelerator,
            (),
            (with_widths(m.layer, dict(m.bits), given[m.layer.name]),),
        )
        for m in written
    ]


def _over_widths(study: Study, layer: Layer) -> _Question:
    from qdsl.study.width_grid import width_grid

    grid = width_grid(study, layer)
    return _Question(layer.name, layer, study.accelerator, study.constraints, tuple(map(dict, grid.bits)), grid)


def _rows(q: _Question, counts: tuple[Counts, ...] | None) -> list[tuple[Mapping[str, int], Counts | None]]:
    return list(zip(q.bits, counts or [None] * len(q.bits), strict=True))


def _answer_json(q: _Question, bits: Mapping[str, int], counts: Counts | None) -> dict[str, Any]:
    numbers = asdict(counts) if counts else dict.fromkeys(FIGURES.values())
    return {"layer": q.label, "bits": dict(bits), **numbers}


def _layers_table(answers: Sequence[_Answer], figure: str | None) -> str:
    shown = [figure] if figure else list(FIGURES)
    rows = [
        [q.label, widths(bits), *(_number(n, x) for x in shown)]
        for q, counts in answers
        for bits, n in _rows(q, counts)
    ]
    return columns(("layer", "bits", *shown), rows, left=2)


def _widths_table(q: _Question, counts: tuple[Counts, ...] | None, figure: str | None) -> str:
    """A row per width of the activations, a column per width of the weights, if there are any."""
    assert q.grid is not None
    grid, shown = q.grid, figure or "mappings"
    header = [grid.down, *([f"{grid.across} {w}" for w in grid.columns] or [shown])]
    numbers = [_number(n, shown) for _, n in _rows(q, counts)]
    rows = [[str(width), *cells] for width, cells in grid.cells(numbers)]
    axes = [f"{grid.down} down", *([f"{grid.across} across"] if grid.across else []), *map(" ".join, grid.follow)]
    return f"{q.label} onto {q.accelerator.name}, {shown} by bits: {', '.join(axes)}\n{columns(header, rows)}"


def _number(counts: Counts | None, figure: str) -> str:
    return "-" if counts is None else f"{getattr(counts, FIGURES[figure]):,}"
