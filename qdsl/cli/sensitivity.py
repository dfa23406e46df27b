"""`qdsl sensitivity`: how far best mappings depend on single energy numbers."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.choice import show_choice
from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import columns, counted, energy
from qdsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from qdsl.mapper.dependence import Answer, Dependence, Question
    from qdsl.model.energy_numbers import EnergyNumber
    from qdsl.model.network import Layer
    from qdsl.model.study import Study

NAME = "sensitivity"
HELP = "Say how far the best mappings depend on each energy number of the accelerator."
EXAMPLE = """example: qdsl sensitivity specs/examples/first.qdsl
         qdsl sensitivity specs/studies/mobilenet_v1_eyeriss.qdsl --layer b1.d --by 50
         qdsl sensitivity specs/studies/mobilenet_exact.qdsl --study v1_eyeriss --choice

Each number alone (the accesses of a memory, hops of an array, operations, leakage or power of a part) is multiplied by
1 - 20 % and 1 + 20 %, and the mappings of least energy are searched again, with a proof. Layers have the widest bits that
the study allows unless --bits says otherwise. `of energy` is what the number contributes; `others` are layers with another
best mapping then, `extra` what keeping all mappings of now would cost. Between the factors `best from` and `to` every layer
keeps its best mapping (searched from 1/10 to 10).

--choice asks the same of the design that the report of a study with `search exact` recommends, its hardware and widths: all
layers are mapped again at all widths, and it is told which design has less energy then and is no worse in the other
objectives. What is solved is kept."""

_SEARCHED = 10.0
"""Numbers are multiplied by up to this, and by down to one over it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import bits, percentage, positive_int

    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    parser.add_argument("--layer", metavar="NAME", action="append", default=[], help="only this one (may be repeated)")
    parser.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of tensors")
    parser.add_argument(
        "--by", metavar="PERCENT", type=percentage, default=20.0, help="change of the numbers, up to 90 (default: 20)"
    )
    parser.add_argument("--choice", action="store_true", help="of hardware and widths, in place of mappings")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="of --choice: where solved layers are kept (default: qdsl-out/STUDY)"
    )
    parser.add_argument(
        "--workers", metavar="N", type=positive_int, help="processes that solve layers (default: cores)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


@dataclass(frozen=True)
class _Layers:
    """Layers that ask the same. runs: how often they run, all together."""

    names: tuple[str, ...]
    runs: float
    question: Question
    numbers: tuple[EnergyNumber, ...]
    factors: tuple[float, float]

    @property
    def label(self) -> str:
        return self.names[0]


@dataclass(frozen=True)
class _Row:
    """One number over all layers. kept_pj, least_pj: at both factors; others: layers with another best mapping there; below,
    above: (factor, layer) nearest to 1 beyond which a layer has another best mapping, None where there is none."""

    number: EnergyNumber
    share: float
    kept_pj: list[float]
    least_pj: list[float]
    others: list[int]
    below: tuple[float, str] | None
    above: tuple[float, str] | None

    @property
    def extra(self) -> list[float]:
        return [kept / least - 1 if least else 0.0 for kept, least in zip(self.kept_pj, self.least_pj, strict=True)]


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked, study_of
    from qdsl.study.parallel import in_order

    study = study_of(checked(args.file, console, every_configuration=args.choice), args.study)
    factors = (1 - args.by / 100, 1 + args.by / 100)
    _refuse(study, args)
    if args.choice:
        return show_choice(study, factors, args, console)
    different = list(_different(study, args, factors))
    workers = args.workers or os.cpu_count() or 1
    answers = []
    for layers, answer in zip(different, in_order(_answer, different, workers, lambda x: x.label), strict=True):
        _refuse_unproven(study, layers, answer)
        answers.append(answer)
    rows = [_row(i, different, answers) for i in range(len(different[0].numbers))]
    if console.json:
        print_json(
            {"factors": factors, "numbers": [_row_json(r) for r in rows], "layers": _layers_json(different, answers)}
        )
    else:
        print(_text(study, args.by, rows, different, answers))
    return 0


def _different(study: Study, args: argparse.Namespace, factors: tuple[float, float]) -> Iterator[_Layers]:
    from qdsl.cli.selection import known_widths, layers_of, widest_bits, with_widths
    from qdsl.mapper.dependence import Question
    from qdsl.model.energy_numbers import energy_numbers
    from qdsl.study.keys import applying

    layers = layers_of(study, args.layer)
    widest, given = widest_bits(study), known_widths(layers, args.bits)
    asked: dict[tuple[Any, ...], list[Layer]] = {}
    for x in layers:
        bits = with_widths(x, widest[x.name], given[x.name])
        asked.setdefault((x.problem, tuple(bits.items()), applying(study.constraints, x.problem)), []).append(x)
    numbers = energy_numbers(study.accelerator)
    if not numbers:
        raise SpecError([Diagnostic("Q0823", "all energies of the accelerator are 0", study.accelerator.span)])
    for (problem, widths, constraints), same in asked.items():
        question = Question(study.accelerator, problem, dict(widths), constraints)
        yield _Layers(tuple(x.name for x in same), sum(x.weight for x in same), question, numbers, factors)


def _refuse(study: Study, args: argparse.Namespace) -> None:
    """Raises SpecError for what changes its meaning with the energies, for mappings without a proof, and for options that
    mean nothing."""
    from qdsl.model.constraint import Limit, Same
    from qdsl.model.mapper import ExactMapper

    found = []
    if args.choice and (args.layer or args.bits):
        found.append(Diagnostic("Q0823", "`--choice` looks at all layers at all widths of the study", None))
    if args.out and not args.choice:
        found.append(Diagnostic("Q0823", "`--out` is where `--choice` keeps solved layers", None))
    for c in study.constraints:
        if isinstance(c, Same):
            found.append(Diagnostic("Q0710", "the dependence of layers tied to each other is not searched", c.span))
        elif isinstance(c, Limit) and c.quantity == "energy":
            found.append(Diagnostic("Q0710", "a limit of energy has no meaning while energies change", c.span))
    if not isinstance(study.mapper, ExactMapper):
        found.append(Diagnostic("Q0823", "what depends on energies is found by the exact mapper alone", study.span))
    if found:
        raise SpecError(found)


def _answer(layers: _Layers) -> Answer:
    from qdsl.mapper.dependence import dependences

    return dependences(layers.question, layers.numbers, layers.factors, _SEARCHED)


def _refuse_unproven(study: Study, layers: _Layers, answer: Answer) -> None:
    from qdsl.mapspace import explain_infeasible

    q = layers.question
    if answer.best.status == "infeasible":
        raise SpecError([explain_infeasible(q.accelerator, q.problem, layers.label, q.bits, q.constraints)])
    if answer.dependences is None:
        text = f"the best mapping of `{layers.label}` is not proven under its limits"
        raise SpecError([Diagnostic("Q0710", text, study.network.layer(layers.label).span)])


def _row(i: int, different: Sequence[_Layers], answers: Sequence[Answer]) -> _Row:
    """Of the number at a place of the list."""
    found = [(x, (a.dependences or ())[i]) for x, a in zip(different, answers, strict=True)]
    whole = sum(x.runs * (a.best.energy_pj or 0.0) for x, a in zip(different, answers, strict=True))
    both = range(2)
    return _Row(
        found[0][1].number,
        sum(x.runs * d.number_pj for x, d in found) / whole if whole else 0.0,
        [sum(x.runs * d.kept_pj[k] for x, d in found) for k in both],
        [sum(x.runs * d.least_pj[k] for x, d in found) for k in both],
        [sum(len(x.names) for x, d in found if d.least_pj[k] < d.kept_pj[k]) for k in both],
        max(((d.below, x.label) for x, d in found if d.below is not None), default=None),
        min(((d.above, x.label) for x, d in found if d.above is not None), default=None),
    )


def _text(
    study: Study, by: float, rows: Sequence[_Row], different: Sequence[_Layers], answers: Sequence[Answer]
) -> str:
    whole = sum(x.runs * (a.best.energy_pj or 0.0) for x, a in zip(different, answers, strict=True))
    layers = sum(len(x.names) for x in different)
    head = ["", "of energy", *(f"{c}{by:g} %: others, extra" for c in "-+"), "best from", "to"]
    table = columns(head, [_cells(r) for r in rows])
    changed = sum(
        len(x.names)
        for x, a in zip(different, answers, strict=True)
        if any(least < kept for d in a.dependences or () for kept, least in zip(d.kept_pj, d.least_pj, strict=True))
    )
    said = f"within {by:g} % of each number all best mappings stay the best"
    if changed:
        extra = max(e for r in rows for e in r.extra)
        which = f"{changed} of {counted(layers, 'layer')} {'gets' if changed == 1 else 'get'} another best mapping"
        said = f"within {by:g} % of a number {which}; to keep the mappings of now costs up to {extra:.2%} more"
    head_line = f"{study.network.name} on {study.accelerator.name}: {counted(layers, 'layer')}, {energy(whole)}"
    return f"{head_line}\n\n{table}\n\n{said}"


def _cells(r: _Row) -> list[str]:
    changes = [f"{n}, {e:.2%}" for n, e in zip(r.others, r.extra, strict=True)]
    limits = ["" if x is None else f"x {x[0]:.3g} ({x[1]})" for x in (r.below, r.above)]
    return [str(r.number), f"{r.share:.1%}", *changes, *limits]


def _row_json(r: _Row) -> dict[str, Any]:
    return {
        "number": str(r.number),
        "share": r.share,
        "kept_pj": r.kept_pj,
        "least_pj": r.least_pj,
        "layers_with_others": r.others,
        "best_from": None if r.below is None else {"factor": r.below[0], "layer": r.below[1]},
        "best_to": None if r.above is None else {"factor": r.above[0], "layer": r.above[1]},
    }


def _layers_json(different: Sequence[_Layers], answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [
        {
            "layers": x.names,
            "bits": x.question.bits,
            "energy_pj": a.best.energy_pj,
            "numbers": [_dependence_json(d) for d in a.dependences or ()],
        }
        for x, a in zip(different, answers, strict=True)
    ]


def _dependence_json(d: Dependence) -> dict[str, Any]:
    return {
        "number": str(d.number),
        "number_pj": d.number_pj,
        "kept_pj": d.kept_pj,
        "least_pj": d.least_pj,
        "best_from": d.below,
        "best_to": d.above,
    }
