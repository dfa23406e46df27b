"""`qdsl map`: proven best mappings of single layers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import energy, widths
from qdsl.diagnostics import Diagnostic

if TYPE_CHECKING:
    from qdsl.mapper import MapResult
    from qdsl.model.accelerator import Accelerator
    from qdsl.model.constraint import Constraint
    from qdsl.model.mapping import Mapping as LayerMapping
    from qdsl.model.network import Layer
    from qdsl.model.study import Model

NAME = "map"
HELP = "Find the mapping of least energy of layers, with a proof."
EXAMPLE = """example: qdsl map specs/studies/mobilenet_v1_eyeriss.qdsl --layer stem --bits W=4,I=8,O=8

A file with a study: its layers under its constraints, at the widest bit-widths it allows unless --bits says otherwise.
A file with mapping blocks and no study: the best mapping for each block's layer beside the written one.
status: optimal (proven), feasible (time was up, or a bandwidth stretches the mapping: see lower_bound), infeasible,
unknown (time was up before a mapping)."""


@dataclass(frozen=True)
class _Question:
    """What is to be mapped; `written` is the user's mapping to compare with, if there is one."""

    label: str
    layer: Layer
    accelerator: Accelerator
    bits: Mapping[str, int]
    constraints: Sequence[Constraint]
    written: LayerMapping | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import bits, positive_seconds

    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--layer", metavar="NAME", action="append", default=[], help="only this one (may be repeated)")
    parser.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of tensors")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    parser.add_argument("--mapping", metavar="NAME", help="the mapping block to compare with")
    parser.add_argument(
        "--objective",
        choices=("energy", "latency", "edp"),
        default="energy",
        help="energy in pJ; latency in cycles, then energy; edp: energy-delay product in pJ*cycles",
    )
    parser.add_argument("--time-limit", metavar="SECONDS", type=positive_seconds, help="per layer")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked
    from qdsl.mapper import Objective, best_mapping

    objective = Objective(args.objective)
    questions = _questions(checked(args.file, console), args)
    results: list[dict[str, Any]] = []
    solved: dict[tuple[Any, ...], MapResult] = {}
    failed = False
    for q in questions:
        key = (q.layer.problem, tuple(q.bits.items()))
        if key not in solved:
            solved[key] = best_mapping(
                q.accelerator, q.layer.problem, q.bits, q.constraints, args.time_limit, objective
            )
        answer = solved[key]
        failed |= answer.mapping is None
        if answer.status == "infeasible":
            console.findings([_why_infeasible(q)])
        if console.json:
            results.append(_answer_json(q, answer))
        else:
            print(("\n" if q is not questions[0] else "") + _answer_text(q, answer))
    if console.json:
        print_json({"results": results, **(results[0] if len(results) == 1 else {})})
    return 1 if failed else 0


def _questions(model: Model, args: argparse.Namespace) -> list[_Question]:
    from qdsl.cli.selection import known_widths, layers_of, mappings_of, named, study_of, widest_bits, with_widths

    if args.mapping is None and (args.study or model.studies):
        study = study_of(model, args.study)
        widest = widest_bits(study)
        layers = layers_of(study, args.layer)
        given = known_widths(layers, args.bits)
        return [
            _Question(x.name, x, study.accelerator, with_widths(x, widest[x.name], given[x.name]), study.constraints)
            for x in layers
        ]
    written = mappings_of(model, args.mapping)
    if args.layer:
        written = tuple(named("layer", name, written, lambda m: m.layer.name) for name in dict.fromkeys(args.layer))
    given = known_widths([m.layer for m in written], args.bits)
    return [
        _Question(
            label=f"{m.network}.{m.layer.name}",
            layer=m.layer,
            accelerator=m.accelerator,
            bits=with_widths(m.layer, dict(m.bits), given[m.layer.name]),
            constraints=(),
            written=m.mapping,
        )
        for m in written
    ]


def _why_infeasible(q: _Question) -> Diagnostic:
    from qdsl.mapspace import explain_infeasible

    found: Diagnostic = explain_infeasible(q.accelerator, q.layer.problem, q.label, q.bits, q.constraints)
    return found


def _answer_json(q: _Question, answer: MapResult) -> dict[str, Any]:
    from qdsl.cli.evaluation import evaluation_json, mapping_json
    from qdsl.model.mapping_text import format_mapping

    data: dict[str, Any] = {
        "layer": q.label,
        "bits": dict(q.bits),
        "status": answer.status,
        "objective": answer.objective.value,
        "value": answer.value,
        "lower_bound": answer.lower_bound,
        "energy_pj": answer.energy_pj,
        "lower_bound_pj": answer.lower_bound_pj,
        "cycles": answer.evaluation.cycles if answer.evaluation else None,
        "seconds": round(answer.seconds, 3),
        "mapping": mapping_json(answer.mapping) if answer.mapping else None,
        "mapping_text": format_mapping(answer.mapping, q.accelerator) if answer.mapping else None,
        "evaluation": evaluation_json(answer.evaluation) if answer.evaluation else None,
    }
    if q.written is not None:
        data["written_energy_pj"], _ = _written(q)
    return data


def _answer_text(q: _Question, answer: MapResult) -> str:
    from qdsl.model.mapping_text import format_mapping

    return "\n".join(
        [
            f"{q.label} onto {q.accelerator.name}, bits {widths(q.bits)}: {_verdict(answer)}",
            *(_indented(format_mapping(answer.mapping, q.accelerator)) if answer.mapping else ()),
            *_comparison(q, answer),
        ]
    )


def _verdict(answer: MapResult) -> str:
    if answer.energy_pj is None:
        return f"{answer.status} ({answer.seconds:.2f} s)"
    gap = ""
    if answer.status == "feasible" and answer.lower_bound_pj is not None:
        gap = f", not below {energy(answer.lower_bound_pj)}"
    cycles = f", {answer.evaluation.cycles:,} cycles" if answer.evaluation else ""
    return f"{energy(answer.energy_pj)}{cycles}, {answer.status}{gap} ({answer.seconds:.2f} s)"


def _comparison(q: _Question, answer: MapResult) -> Iterator[str]:
    if q.written is None:
        return
    written, problem = _written(q)
    if written is None:
        yield f"  the written mapping is not legal at these widths: {problem}"
    elif answer.energy_pj:
        yield f"  the written mapping needs {energy(written)}, {written / answer.energy_pj - 1:+.1%}"


def _written(q: _Question) -> tuple[float | None, str]:
    """Energy of the user's mapping in pJ, or why it has none."""
    from qdsl.symbolic import evaluate, legality

    assert q.written is not None
    problems = legality(q.accelerator, q.layer.problem, q.bits, q.written, None)
    if problems:
        return None, problems[0].message
    return evaluate(q.accelerator, q.layer.problem, q.bits, q.written).energy_pj, ""


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
