"""What the mapper is asked for the comparison with published figures, and the answers as they are kept in
`answers.jsonl`: each with its mapping, so that a test evaluates it again without searching."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qdsl.mapper import Objective, best_mapping
from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.mapping import Loop
from qdsl.model.mapping import Mapping as LayerMapping
from qdsl.model.mapping_text import format_mapping
from qdsl.model.network import Layer
from qdsl.model.operator import Problem
from qdsl.model.study import Study, WrittenMapping
from qdsl.resources import data_dir
from qdsl.symbolic import Evaluation
from tests.published.figures import ALEXNET, ALEXNET_EDP, CONVOLUTIONS, MOBILENET, PLATEAUS, VGG1, Bits
from tests.support.timeloop_cases import anchor_to_source, load_anchors

ANSWERS = Path(__file__).with_name("answers.jsonl")
ANCHORS = "anchors"
TENSORS = ("Inputs", "Weights", "Outputs")


@dataclass(frozen=True, order=True, slots=True)
class Question:
    """The best mapping of a layer. spec: file of specs/studies, or `ANCHORS` for a problem of the reference tool's mapper,
    whose machine stands in place of the study; bits: of inputs, weights, outputs; imperfect: '', or 'padded' to pad dimensions
    as well."""

    spec: str
    study: str
    layer: str
    bits: Bits
    objective: str
    imperfect: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """accesses: words read and written at the backing store; mapping: as in a `mapping` block, on one line."""

    status: str
    energy_pj: float
    cycles: int
    accesses: int
    mapping: str

    @property
    def edp(self) -> float:
        """J * cycles."""
        return self.energy_pj * self.cycles / 1e12


@dataclass(frozen=True)
class Asked:
    """The same question in terms of the model."""

    accelerator: Accelerator
    problem: Problem
    bits: Mapping[str, int]
    constraints: tuple[Constraint, ...]


Answers = Mapping[Question, Answer]


def every_question() -> tuple[Question, ...]:
    """Each distinct layer once, the others have its answer (see `distinct_layer`)."""
    return tuple(dict.fromkeys([*_alexnet(), *_mobilenet(), *_vgg1(), *anchors()]))


def _alexnet() -> Iterator[Question]:
    for objective, bits in [*(("edp", bits) for bits in ALEXNET_EDP), *ALEXNET]:
        yield from alexnet_questions(bits, objective)
    for bits in ALEXNET_EDP:
        yield from alexnet_questions(bits, "edp", "free_orders")
        yield from alexnet_questions(bits, "edp", "free_orders", "padded")


def _mobilenet() -> Iterator[Question]:
    for study in MOBILENET:
        for widths in plateaus(study):
            for layer in study_of("mobilenet_v1_2023", study).network.layers:
                yield mobilenet_question(study, layer.name, widths[0])


def _vgg1() -> Iterator[Question]:
    for study, bits in VGG1:
        yield from vgg1_questions(study, bits)


def alexnet_questions(bits: Bits, objective: str, study: str = "published", imperfect: str = "") -> list[Question]:
    return [Question("alexnet_2023", study, x, bits, objective, imperfect) for x in CONVOLUTIONS]


def mobilenet_question(study: str, layer: str, weight_bits: int) -> Question:
    others = 32 if weight_bits == 32 else 8
    layer = distinct_layer("mobilenet_v1_2023", study, layer)
    return Question("mobilenet_v1_2023", study, layer, (others, weight_bits, others), "edp")


def vgg1_questions(study: str, bits: Bits) -> list[Question]:
    layers = (distinct_layer("vgg1_2023", study, f"conv{i}") for i in range(1, 9))
    return [Question("vgg1_2023", study, x, bits, "edp") for x in layers]


def plateaus(study: str) -> tuple[tuple[int, ...], ...]:
    """Widths of weights with the same result on the machine of a MobileNetV1 study."""
    return PLATEAUS[study_of("mobilenet_v1_2023", study).accelerator.levels[0].word_bits]


@cache
def anchors() -> Mapping[Question, Mapping[str, Any]]:
    """What the reference tool's mapper found (tests/reference)."""
    return {
        Question(ANCHORS, a["arch"]["name"], a["layer"], (*(a["bits"][t] for t in TENSORS),), a["metric"]): a
        for a in load_anchors()
    }


@cache
def written_anchor(question: Question) -> WrittenMapping:
    """An anchor's machine, layer and widths, with the mapping that the reference tool found."""
    with TemporaryDirectory() as place:
        path = Path(place) / "anchor.qdsl"
        path.write_text(anchor_to_source(anchors()[question]), encoding="utf-8")
        return load(path).mappings[0]


@cache
def studies(spec: str) -> Mapping[str, Study]:
    return {s.name: s for s in load(data_dir("specs") / "studies" / f"{spec}.qdsl").studies}


def study_of(spec: str, name: str) -> Study:
    return studies(spec)[name]


def distinct_layer(spec: str, study: str, layer: str) -> str:
    """The first layer of the network with the same problem."""
    network = study_of(spec, study).network
    return next(x.name for x in network.layers if x.problem == network.layer(layer).problem)


def asked(question: Question) -> Asked:
    if question.spec == ANCHORS:
        anchor = written_anchor(question)
        return Asked(anchor.accelerator, anchor.layer.problem, dict(anchor.bits), ())
    study = study_of(question.spec, question.study)
    layer: Layer = study.network.layer(question.layer)
    bits = dict(zip("IWO", question.bits, strict=True))
    return Asked(study.accelerator, layer.problem, bits, study.constraints)


def solve(question: Question) -> Answer:
    """Asks the exact mapper. Raises ValueError if there is no mapping."""
    q = asked(question)
    objective, padded = Objective.parse(question.objective), question.imperfect == "padded"
    found = best_mapping(q.accelerator, q.problem, q.bits, q.constraints, objective=objective, padded=padded)
    if found.mapping is None or found.evaluation is None:
        raise ValueError(f"{question}: {found.status}")
    text = re.sub(" *\n", "; ", re.sub(" *:", ":", format_mapping(found.mapping, q.accelerator)))
    e = found.evaluation
    return Answer(found.status, e.energy_pj, e.cycles, accesses_of(e), text)


def accesses_of(evaluation: Evaluation) -> int:
    """Words read and written at the backing store."""
    return sum(c.reads + c.updates for _, c in evaluation.levels[0].tensors)


def mapping_of(answer: Answer, accelerator: Accelerator) -> LayerMapping:
    """The mapping of an answer, read from its text."""
    imperfect = "padded" if answer.mapping.startswith("imperfect padded; ") else ""
    loops: dict[str, tuple[Loop, ...]] = {}
    for statement in answer.mapping.removeprefix("imperfect padded; ").split("; "):
        place, nest = statement.split(": ")
        loops[place] = tuple(Loop(dim, int(factor)) for dim, factor in re.findall(r"(\w+) (\d+)", nest))
    return LayerMapping(tuple((place, loops.pop(place, ())) for place in accelerator.places), imperfect=imperfect)


def load_answers() -> dict[Question, Answer]:
    found: dict[Question, Answer] = {}
    for line in ANSWERS.read_text(encoding="utf-8").splitlines():
        data = json.loads(line)
        data["bits"] = tuple(data["bits"])
        question = Question(**{name: data.pop(name) for name in Question.__dataclass_fields__})
        found[question] = Answer(**data)
    return found


def save_answers(answers: Answers) -> None:
    lines = (json.dumps({**asdict(q), **asdict(answers[q])}) for q in sorted(answers))
    ANSWERS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
