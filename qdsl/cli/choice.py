"""`qdsl sensitivity --choice`: how far the choice of hardware and bit-widths depends on single energy numbers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import columns, energy

if TYPE_CHECKING:
    from qdsl.model.study import Study
    from qdsl.study.dependence import Choice, ChoiceAnswer, ChoiceDependence


def show_choice(study: Study, factors: tuple[float, float], args: argparse.Namespace, console: Console) -> int:
    """Prints the choice, and the best one with each number times each factor. Raises SpecError like `choice_dependences`."""
    from qdsl.study.dependence import choice_dependences
    from qdsl.study.progress import Silent
    from qdsl.study.run import STORE_FILE
    from qdsl.study.store import Store

    with Store((args.out or Path("qdsl-out") / study.name) / STORE_FILE) as store:
        answer = choice_dependences(
            study, store, factors, Silent(), args.workers, lambda what: console.note(f"energies {what}")
        )
    if console.json:
        print_json(_json(study, factors, answer))
    else:
        print(_text(study, args.by, answer))
    return 0


def _text(study: Study, by: float, answer: ChoiceAnswer) -> str:
    by_number: dict[str, list[ChoiceDependence]] = {}
    for d in answer.dependences:
        by_number.setdefault(str(d.number), []).append(d)
    rows = [[name, *(_cell(d, answer.choice) for d in found)] for name, found in by_number.items()]
    table = columns(["", *(f"{sign}{by:g} %: extra, the best then" for sign in "-+")], rows, left=3)
    extra = max(d.extra for d in answer.dependences)
    said = f"within {by:g} % of each number the choice stays the best"
    if extra:
        said = (
            f"within {by:g} % of a number another choice may be better; to keep this one costs up to {extra:.2%} more"
        )
    hardware = f", {answer.choice.configuration}" if answer.choice.configuration else ""
    head = f"the choice of {study.name}: {energy(answer.energy_pj)}{hardware}"
    return f"{head}\n\n{table}\n\n{said}"


def _cell(d: ChoiceDependence, choice: Choice) -> str:
    if not d.extra:
        return f"{d.extra:.2%}"
    other = sum(x != y for x, y in zip(d.best.widths, choice.widths, strict=True))
    hardware = f", {d.best.configuration}" if d.best.configuration != choice.configuration else ""
    return f"{d.extra:.2%}{hardware}, {other} of {len(choice.widths)} widths other"


def _json(study: Study, factors: tuple[float, float], answer: ChoiceAnswer) -> dict[str, Any]:
    return {
        "factors": factors,
        "choice": {**_choice_json(study, answer.choice), "energy_pj": answer.energy_pj},
        "numbers": [
            {
                "number": str(d.number),
                "factor": d.factor,
                "kept_pj": d.kept_pj,
                "least_pj": d.least_pj,
                "best": _choice_json(study, d.best),
            }
            for d in answer.dependences
        ],
    }


def _choice_json(study: Study, choice: Choice) -> dict[str, Any]:
    names = [v.name for v in study.precision.variables]
    return {"configuration": choice.configuration, "widths": dict(zip(names, choice.widths, strict=True))}
