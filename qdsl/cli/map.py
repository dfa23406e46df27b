"""`qdsl map`: proven best mappings of single layers."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.answers import answer_json, answer_text, totals_text
from qdsl.cli.console import Console, print_json
from qdsl.cli.front import map_fronts
from qdsl.cli.groups import Key, group_answers, key_of, no_common_factors, refuse_others
from qdsl.cli.mapper import add_mapper_arguments, chosen_mapper
from qdsl.cli.solving import Question, solve
from qdsl.diagnostics import Diagnostic

if TYPE_CHECKING:
    from qdsl.mapper import MapResult, Objective
    from qdsl.model.mapper import MapperChoice
    from qdsl.model.study import Model, Study
    from qdsl.study.saved import SavedAnswer

NAME = "map"
HELP = "Find the mapping of least energy of layers, with a proof."
EXAMPLE = """example: qdsl map specs/studies/mobilenet_v1_eyeriss.qdsl --layer stem --bits W=4,I=8,O=8
         qdsl map specs/studies/mobilenet_v1_eyeriss.qdsl --layer fc --front
         qdsl map specs/studies/mobilenet_v1_eyeriss.qdsl --layer fc --imperfect padded --objective edp

A file with a study: its layers under its constraints, at the widest bit-widths it allows unless --bits says otherwise.
A file with mapping blocks and no study: the best mapping for each block's layer beside the written one.
status: optimal (proven), feasible (time was up, or a limit of bandwidth left mappings out: see lower_bound), infeasible,
unknown (no mapping found, but not all excluded).
Layers tied by `same spatial` are mapped together: their energies add up to the least.
--out saves the answers for `qdsl verify`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import bits, objective, positive_int, positive_seconds

    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--layer", metavar="NAME", action="append", default=[], help="only this one (may be repeated)")
    parser.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of tensors")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    parser.add_argument("--mapping", metavar="NAME", help="the mapping block to compare with")
    goal = parser.add_mutually_exclusive_group()
    goal.add_argument(
        "--objective",
        metavar="QUANTITY,...",
        type=objective,
        default="energy",
        help="energy in pJ (the default); latency in cycles, then energy; edp: energy-delay product in pJ*cycles; accesses: "
        "words read from and written to the outermost level, then energy. Several: the second among the best of the first. "
        "With ` within N cycles`: of the mappings that need no more",
    )
    goal.add_argument("--front", action="store_true", help="all mappings that none beats in both energy and cycles")
    parser.add_argument(
        "--imperfect", choices=("padded",), default="", help="search mappings that pad dimensions as well"
    )
    add_mapper_arguments(parser)
    parser.add_argument("--time-limit", metavar="SECONDS", type=positive_seconds, help="per layer")
    parser.add_argument(
        "--workers",
        metavar="N",
        type=positive_int,
        help="processes that solve layers (default: cores, for many layers)",
    )
    parser.add_argument("--out", metavar="RESULT", type=Path, help="save the answers, so that they can be verified")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked
    from qdsl.study.saved import save_answers, saved_answer

    model = checked(args.file, console)
    questions = _questions(model, args)
    mapper = chosen_mapper(args, _study(model, args, questions))
    results: list[dict[str, Any]] = []
    solved = _groups_solved(_study(model, args, questions), args, questions, mapper)
    if args.front:
        return map_fronts(model, questions, args, console)
    saved: list[SavedAnswer] = []
    legal: dict[Key, int | None] = {}
    failed = False
    answers = solve(questions, solved, args, mapper)
    for q in questions:
        key = key_of(q.asked, q.bits)
        if key not in legal:
            solved[key], legal[key] = next(answers)
        answer, asked = solved[key], q.asked
        failed |= answer.mapping is None
        if args.out:
            saved.append(saved_answer(asked, q.bits, answer, legal[key], args.imperfect, mapper))
            save_answers(args.out, model, shlex.join(args.command_line), saved)
        if answer.status == "infeasible":
            console.findings([_why_infeasible(q, model, args.objective)])
        if console.json:
            results.append({**answer_json(q, answer, legal[key]), "mapper": str(mapper)})
        else:
            print(("\n" if q is not questions[0] else "") + answer_text(q, answer, mapper, legal[key]))
    if console.json:
        print_json({"results": results, **(results[0] if len(results) == 1 else {})})
        return 1 if failed else 0
    if len(questions) > 1:
        print(f"\n{totals_text([solved[key_of(q.asked, q.bits)] for q in questions])}")
    if args.out:
        print(f"\nsaved in {args.out}; `qdsl verify {args.out}` checks it again")
    return 1 if failed else 0


def _questions(model: Model, args: argparse.Namespace) -> list[Question]:
    from qdsl.cli.selection import known_widths, layers_of, mappings_of, named, study_of, widest_bits, with_widths
    from qdsl.study.saved import asked_by_mapping, asked_by_study

    if args.mapping is None and (args.study or model.studies):
        study = study_of(model, args.study)
        widest = widest_bits(study)
        layers = layers_of(study, args.layer)
        given = known_widths(layers, args.bits)
        return [Question(asked_by_study(study, x), with_widths(x, widest[x.name], given[x.name])) for x in layers]
    written = mappings_of(model, args.mapping)
    if args.layer:
        written = tuple(named("layer", name, written, lambda m: m.layer.name) for name in dict.fromkeys(args.layer))
    given = known_widths([m.layer for m in written], args.bits)
    return [
        Question(asked_by_mapping(m), with_widths(m.layer, dict(m.bits), given[m.layer.name]), m.mapping)
        for m in written
    ]


def _study(model: Model, args: argparse.Namespace, questions: Sequence[Question]) -> Study | None:
    """The study that the questions are about; None if they are about mapping blocks."""
    from qdsl.cli.selection import study_of

    return study_of(model, args.study) if any(q.asked.origin.study for q in questions) else None


def _groups_solved(
    study: Study | None, args: argparse.Namespace, questions: Sequence[Question], mapper: MapperChoice
) -> dict[Key, MapResult]:
    """The answers for layers that share spatial factors with others, which may not be asked about."""
    if study is None:
        return {}
    refuse_others(study, str(args.objective), "front" if args.front else args.imperfect, mapper)
    return group_answers(study, args.bits, {q.asked.origin.layer for q in questions}, args.time_limit)


def _why_infeasible(q: Question, model: Model, objective: Objective) -> Diagnostic:
    from qdsl.cli.selection import study_of
    from qdsl.mapper import Objective, best_mapping
    from qdsl.mapspace import explain_infeasible
    from qdsl.model.constraint import Same

    asked = q.asked
    if objective.most_cycles is not None:
        fastest = best_mapping(asked.accelerator, asked.problem, q.bits, asked.constraints, None, Objective.LATENCY)
        if fastest.evaluation:
            text = f"no mapping of `{q.label}` needs at most {objective.most_cycles:,} cycles"
            return Diagnostic("Q0701", text, None, notes=(f"the fastest needs {fastest.evaluation.cycles:,}",))
    if any(isinstance(c, Same) for c in asked.constraints):
        study = study_of(model, asked.origin.study)
        return no_common_factors(study, study.network.layer(asked.origin.layer))
    found: Diagnostic = explain_infeasible(asked.accelerator, asked.problem, q.label, q.bits, asked.constraints)
    return found
