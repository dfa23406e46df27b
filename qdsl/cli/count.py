"""`qdsl count`: how many legal mappings layers have."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

NAME = "count"
HELP = "Count the legal mappings of layers, exactly."
EXAMPLE = """example: qdsl count specs/studies/mobilenet_v1_eyeriss.qdsl --layer stem --all-widths

A file with a study: its layers under its constraints, at the widest bit-widths it allows unless --bits says otherwise.
A file with mapping blocks and no study: each block's layer at its bit-widths, without constraints.
placements: choices of factors for all places; mappings: these times the legal loop orders."""


@dataclass(frozen=True)
class _Question:
    """One layer at one or many widths; `title` describes a table of them."""

    label: str
    layer: Layer
    accelerator: Accelerator
    constraints: tuple[Constraint, ...]
    bits: tuple[Mapping[str, int], ...]
    title: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import bits

    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--layer", metavar="NAME", action="append", default=[], help="only this one (may be repeated)")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of tensors")
    which.add_argument("--all-widths", action="store_true", help="a table over the widths that the study allows")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked
    from qdsl.mapspace import count_batch

    known: dict[tuple[Accelerator, Problem, str], tuple[Counts, ...]] = {}
    answers: list[tuple[_Question, tuple[Counts, ...]]] = []
    for q in _questions(checked(args.file, console), args):
        # The questions of one file differ in nothing else.
        key = q.accelerator, q.layer.problem, repr(q.bits)
        if key not in known:
            known[key] = count_batch(q.accelerator, q.layer.problem, q.bits, q.constraints)
        answers.append((q, known[key]))
    if console.json:
        results = [_answer_json(q, b, n) for q, counts in answers for b, n in zip(q.bits, counts, strict=True)]
        print_json({"results": results, **(results[0] if len(results) == 1 else {})})
    elif args.all_widths:
        print("\n\n".join(_widths_table(q, counts) for q, counts in answers))
    else:
        print(_layers_table(answers))
    return 0


def _questions(model: Model, args: argparse.Namespace) -> list[_Question]:
    from qdsl.cli.selection import known_widths, layers_of, mappings_of, named, study_of, widest_bits, with_widths

    if args.study or args.all_widths or model.studies:
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
    """Every allowed width of the weights with every one of the first input; the other activations have the width of that
    input where the study allows it, else the widest that it allows."""
    variables, output_bits = study.precision.variables, study.precision.output_bits
    options = {
        tensor: (output_bits,) if i is None else variables[i].options
        for tensor, i in dict(study.precision.assignment)[layer.name]
    }
    operator = layer.problem.operator
    weights = [t.name for t in operator.weights]
    first = next((t.name for t in operator.inputs if not t.is_weight), operator.output.name)
    others = [t.name for t in operator.tensors if t.name not in weights and t.name != first]
    rows = []
    for width in options[first]:
        same = {t: width if width in options[t] else options[t][-1] for t in others}
        for weight in options[weights[0]] if weights else (0,):
            chosen = {first: width, **same, **dict.fromkeys(weights, weight)}
            rows.append({t.name: chosen[t.name] for t in operator.tensors})
    parts = [f"{first} down", *(f"{t} across" for t in weights[:1])]
    parts += [f"{t} {_relation(t, first, rows)}" for t in others]
    title = f"{layer.name} onto {study.accelerator.name}, mappings by bits: {', '.join(parts)}"
    return _Question(layer.name, layer, study.accelerator, study.constraints, tuple(rows), title)


def _relation(tensor: str, first: str, rows: Iterable[Mapping[str, int]]) -> str:
    """How the width of a tensor follows that of the first input."""
    pairs = {(bits[first], bits[tensor]) for bits in rows}
    if all(a == b for a, b in pairs):
        return f"as {first}"
    found = sorted({b for _, b in pairs})
    return str(found[0]) if len(found) == 1 else f"as {first} where allowed, else {found[-1]}"


def _answer_json(q: _Question, bits: Mapping[str, int], counts: Counts) -> dict[str, Any]:
    return {
        "layer": q.label,
        "bits": dict(bits),
        "factor_placements": counts.factor_placements,
        "mappings": counts.mappings,
    }


def _layers_table(answers: Sequence[tuple[_Question, tuple[Counts, ...]]]) -> str:
    rows = [
        [q.label, widths(bits), f"{n.factor_placements:,}", f"{n.mappings:,}"]
        for q, counts in answers
        for bits, n in zip(q.bits, counts, strict=True)
    ]
    return columns(("layer", "bits", "placements", "mappings"), rows, left=2)


def _widths_table(q: _Question, counts: Sequence[Counts]) -> str:
    """A row per width of the activations, a column per width of the weights, if there are any."""
    operator = q.layer.problem.operator
    weights = [t.name for t in operator.weights]
    first = next((t.name for t in operator.inputs if not t.is_weight), operator.output.name)
    found = {(b[first], b[weights[0]] if weights else 0): n for b, n in zip(q.bits, counts, strict=True)}
    down, across = (sorted({key[i] for key in found}) for i in (0, 1))
    header = [first, *(f"{weights[0]} {w}" if weights else "mappings" for w in across)]
    rows = [[str(a), *(f"{found[a, w].mappings:,}" for w in across)] for a in down]
    return f"{q.title}\n{columns(header, rows)}"
