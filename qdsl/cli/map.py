"""`qdsl map`: proven best mappings of single layers."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.front import Question, map_fronts
from qdsl.cli.groups import Key, group_answers, key_of, no_common_factors, refuse_others
from qdsl.cli.mapper import add_mapper_arguments, chosen_mapper
from qdsl.cli.tables import energy, widths
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
    from qdsl.cli.arguments import bits, objective, positive_seconds

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
    parser.add_argument("--out", metavar="RESULT", type=Path, help="save the answers, so that they can be verified")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked
    from qdsl.mapper import best_mapping
    from qdsl.mapper.other import find_mapping
    from qdsl.model.mapper import ExactMapper
    from qdsl.study.saved import save_answers, saved_answer

    model = checked(args.file, console)
    questions = _questions(model, args)
    mapper = chosen_mapper(args, _study(model, args, questions))
    results: list[dict[str, Any]] = []
    solved = _groups_solved(_study(model, args, questions), args, questions, mapper)
    if args.front:
        return map_fronts(model, questions, args, console)
    saved: list[SavedAnswer] = []
    failed = False
    for q in questions:
        asked = q.asked
        key = key_of(asked, q.bits)
        if key not in solved:
            problem = (asked.accelerator, asked.problem, q.bits, asked.constraints)
            if isinstance(mapper, ExactMapper):
                solved[key] = best_mapping(*problem, args.time_limit, args.objective, padded=bool(args.imperfect))
            else:
                solved[key] = find_mapping(mapper, *problem, objective=args.objective)
        answer = solved[key]
        failed |= answer.mapping is None
        if args.out:
            saved.append(saved_answer(asked, q.bits, answer, args.imperfect, mapper))
            save_answers(args.out, model, shlex.join(args.command_line), saved)
        if answer.status == "infeasible":
            console.findings([_why_infeasible(q, model, args.objective)])
        if console.json:
            results.append({**_answer_json(q, answer), "mapper": str(mapper)})
        else:
            print(("\n" if q is not questions[0] else "") + _answer_text(q, answer, mapper))
    if console.json:
        print_json({"results": results, **(results[0] if len(results) == 1 else {})})
    elif args.out:
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


def _answer_json(q: Question, answer: MapResult) -> dict[str, Any]:
    from qdsl.cli.evaluation import evaluation_json, mapping_json
    from qdsl.model.mapping_text import format_mapping

    data: dict[str, Any] = {
        "layer": q.label,
        "bits": dict(q.bits),
        "status": answer.status,
        "objective": str(answer.objective),
        "value": answer.value,
        "lower_bound": answer.lower_bound,
        "energy_pj": answer.energy_pj,
        "lower_bound_pj": answer.lower_bound_pj,
        "cycles": answer.evaluation.cycles if answer.evaluation else None,
        "perfect_value": answer.perfect,
        "seconds": round(answer.seconds, 3),
        "mapping": mapping_json(answer.mapping) if answer.mapping else None,
        "mapping_text": format_mapping(answer.mapping, q.asked.accelerator) if answer.mapping else None,
        "evaluation": evaluation_json(answer.evaluation) if answer.evaluation else None,
    }
    if q.written is not None:
        data["written_energy_pj"], _ = _written(q)
    return data


def _answer_text(q: Question, answer: MapResult, mapper: MapperChoice) -> str:
    from qdsl.model.mapping_text import format_mapping

    by = "" if mapper.name == "exact" else f" by {mapper}"
    return "\n".join(
        [
            f"{q.label} onto {q.asked.accelerator.name}, bits {widths(q.bits)}: {_verdict(answer)}{by}",
            *(_indented(format_mapping(answer.mapping, q.asked.accelerator)) if answer.mapping else ()),
            *_comparison(q, answer),
        ]
    )


def _verdict(answer: MapResult) -> str:
    if answer.energy_pj is None:
        return f"{answer.status} ({answer.seconds:.2f} s)"
    gap = ""
    if answer.status == "feasible" and answer.lower_bound is not None:
        bound = answer.lower_bound
        gap = f", not below {energy(bound) if answer.lower_bound_pj is not None else f'{bound:,.6g} {answer.objective.unit}'}"
    cycles = f", {answer.evaluation.cycles:,} cycles" if answer.evaluation else ""
    gain = ""
    if answer.perfect is not None and answer.value is not None:
        saved = 1 - answer.value / answer.perfect
        less = f"{saved:.1%} less {answer.objective.quantities[0]} than in" if saved > 0 else "no gain over"
        gain = f", {less} perfect factors"
    return f"{energy(answer.energy_pj)}{cycles}, {answer.status}{gap}{gain} ({answer.seconds:.2f} s)"


def _comparison(q: Question, answer: MapResult) -> Iterator[str]:
    if q.written is None:
        return
    written, problem = _written(q)
    if written is None:
        yield f"  the written mapping is not legal at these widths: {problem}"
    elif answer.energy_pj:
        yield f"  the written mapping needs {energy(written)}, {written / answer.energy_pj - 1:+.1%}"


def _written(q: Question) -> tuple[float | None, str]:
    """Energy of the user's mapping in pJ, or why it has none."""
    from qdsl.symbolic import evaluate, legality

    assert q.written is not None
    problems = legality(q.asked.accelerator, q.asked.problem, q.bits, q.written, None)
    if problems:
        return None, problems[0].message
    return evaluate(q.asked.accelerator, q.asked.problem, q.bits, q.written).energy_pj, ""


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
