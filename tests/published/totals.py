"""Sums over the layers of a network: what was published and ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.published.figures import ALEXNET_EDP, MIXED, MOBILENET, NARROW, NATIVE, VGG1, Figures
from tests.published.markdown import MACHINES, both, lines, pairs, ratio
from tests.published.questions import (
    Answers,
    Question,
    alexnet_questions,
    mobilenet_question,
    plateaus,
    study_of,
    vgg1_questions,
)

WIDTHS = {NATIVE: "16", MIXED: "3", NARROW: "all 4"}


@dataclass(frozen=True, slots=True)
class Total:
    """Of the layers of one run. widths: bits of weights, as text."""

    run: str
    widths: str
    published: Figures
    ours: Figures


def summary(answers: Answers) -> str:
    """EDP per run, with a value per width of weights."""
    runs: dict[str, list[Total]] = {}
    for total in totals(answers):
        runs.setdefault(total.run, []).append(total)
    rows = [
        (
            run,
            " · ".join(x.widths for x in of_run),
            " · ".join(f"{x.published.edp:,.0f}" for x in of_run),
            " · ".join(f"{x.ours.edp:,.0f}" for x in of_run),
            " · ".join(ratio(x.published.edp, x.ours.edp, 3) for x in of_run),
        )
        for run, of_run in runs.items()
    ]
    return lines(("published run", "bits of weights", "EDP, published", "EDP, qdsl", "ratio"), rows)


def totals_table(answers: Answers) -> str:
    header = ("run", "bits of weights", *pairs("energy", "cycles", "EDP"), "ratio", *pairs("accesses"))
    rows = [
        (
            x.run,
            x.widths,
            *both(x.published.energy_uj, x.ours.energy_uj, ",.1f"),
            *both(x.published.cycles, x.ours.cycles, ",d"),
            *both(x.published.edp, x.ours.edp, ",.0f"),
            ratio(x.published.edp, x.ours.edp, 3),
            *both(x.published.accesses, x.ours.accesses, ",d"),
        )
        for x in totals(answers)
    ]
    return lines(header, rows)


def totals(answers: Answers) -> Iterator[Total]:
    for bits, of_layers in ALEXNET_EDP.items():
        ours = figures_of(answers, alexnet_questions(bits, "edp"))
        yield Total("AlexNet, Eyeriss, exhaustive search", WIDTHS[bits], added(of_layers), ours)
    for study, of_plateaus in MOBILENET.items():
        layers = [x.name for x in study_of("mobilenet_v1_2023", study).network.layers]
        for plateau, published in zip(plateaus(study), of_plateaus, strict=True):
            ours = figures_of(answers, (mobilenet_question(study, x, plateau[0]) for x in layers))
            yield Total(f"MobileNetV1, {MACHINES[study]}", ", ".join(map(str, plateau)), published, ours)
    for (study, bits), published in VGG1.items():
        ours = figures_of(answers, vgg1_questions(study, bits))
        yield Total(f"VGG-1, {MACHINES[f'{study}_16']}", WIDTHS[bits], published, ours)


def figures_of(answers: Answers, questions: Iterable[Question]) -> Figures:
    """Ours, of the layers together."""
    found = (answers[q] for q in questions)
    return added(Figures(x.energy_pj / 1e6, x.cycles, x.edp, x.accesses) for x in found)


def added(figures: Iterable[Figures]) -> Figures:
    every = list(figures)
    return Figures(
        sum(x.energy_uj for x in every),
        sum(x.cycles for x in every),
        sum(x.edp for x in every),
        sum(x.accesses for x in every),
    )
