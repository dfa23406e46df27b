"""Saved answers of `qdsl map`: what was asked of which spec, and what was found. `qdsl verify` checks them.

    {"format": "qdsl-map", "version": 1, "spec": "../specs/study.qdsl", "files": [["study.qdsl", SHA256], ...], ...}

has the fields of SavedAnswers under their names, nested like the classes. Energies are in pJ.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapper import MapResult
from qdsl.mapspace.counting import count_under
from qdsl.mapspace.sweep import TimeUp
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, LayerConstraint, Same
from qdsl.model.mapper import EXACT, MapperChoice
from qdsl.model.mapping import Mapping as LayerMapping
from qdsl.model.network import Layer
from qdsl.model.operator import Problem
from qdsl.model.study import Model, Study, WrittenMapping
from qdsl.study.codec import Json, from_json, to_json
from qdsl.study.files import write_at_once
from qdsl.study.keys import applying, digest, question
from qdsl.study.provenance import LIBRARIES, version
from qdsl.symbolic import Evaluation

FORMAT = "qdsl-map"
VERSION = 2
LARGEST_BYTES = 64 * 2**20
COUNTING_S = 2.0
"""The time after which the legal mappings of an answer are left uncounted."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks for the best mapping of a layer: a study, or a mapping block of the spec; the other one is ''."""

    study: str
    mapping: str
    network: str
    layer: str

    @property
    def label(self) -> str:
        """The layer as users name it: alone in a study, with its network in a mapping block."""
        return self.layer if self.study else f"{self.network}.{self.layer}"


@dataclass(frozen=True)
class Asked:
    """A question that a spec asks. constraints: those that apply to the layer's operator."""

    origin: Origin
    problem: Problem
    accelerator: Accelerator
    constraints: tuple[Constraint, ...]

    @property
    def own(self) -> tuple[LayerConstraint, ...]:
        """The constraints that ask something of this layer's mappings by themselves."""
        return tuple(c for c in self.constraints if not isinstance(c, Same))

    @property
    def ties(self) -> tuple[Same, ...]:
        """Those that tie its mapping to those of other layers."""
        return tuple(c for c in self.constraints if isinstance(c, Same))

    @property
    def meaning(self) -> Json:
        """What the answer depends on besides widths and objective."""
        return question(self.accelerator, self.problem, self.constraints)


@dataclass(frozen=True)
class SavedAnswer:
    """The best mapping of one layer.

    constraints: as written. question: see Asked.meaning; sha256: see `fingerprint`. value, lower_bound: of the objective.
    imperfect: 'padded' if mappings in such factors were searched as well, else ''. plans, searched: see MapResult.
    legal_mappings: in perfect factors, of which the mapping is the best, None if they were not counted.
    """

    origin: Origin
    accelerator: str
    constraints: tuple[str, ...]
    bits: tuple[tuple[str, int], ...]
    objective: str
    mapper: MapperChoice
    imperfect: str
    question: Json
    sha256: str
    status: str
    value: float | None
    lower_bound: float | None
    mapping: LayerMapping | None
    evaluation: Evaluation | None
    plans: int
    searched: int
    legal_mappings: int | None
    seconds: float


@dataclass(frozen=True)
class SavedAnswers:
    """spec: its path from the directory of this file; files: the spec and its imports, by their paths from the directory of
    the spec, with the SHA-256 of the text. qdsl, python, libraries: versions. command: what the user typed."""

    spec: str
    files: tuple[tuple[str, str], ...]
    qdsl: str
    python: str
    libraries: tuple[tuple[str, str], ...]
    command: str
    answers: tuple[SavedAnswer, ...]


def asked_by_study(study: Study, layer: Layer) -> Asked:
    """The question about a layer of a study."""
    origin = Origin(study.name, "", study.network.name, layer.name)
    return Asked(origin, layer.problem, study.accelerator, applying(study.constraints, layer.problem))


def asked_by_mapping(written: WrittenMapping) -> Asked:
    """The question whether there is a better mapping than the written one."""
    origin = Origin("", written.name, written.network, written.layer.name)
    return Asked(origin, written.layer.problem, written.accelerator, ())


def asked_by(model: Model, origin: Origin) -> Asked | None:
    """The question with an origin; None if the spec does not ask it."""
    every = [asked_by_study(study, layer) for study in model.studies for layer in study.network.layers]
    every += map(asked_by_mapping, model.mappings)
    return next((asked for asked in every if asked.origin == origin), None)


def saved_answer(
    asked: Asked,
    bits: Mapping[str, int],
    answer: MapResult,
    legal: int | None,
    imperfect: str = "",
    mapper: MapperChoice = EXACT,
) -> SavedAnswer:
    """The form in which an answer of `find_mapping` is kept. legal: see `count_legal`; imperfect: see SavedAnswer."""
    widths, objective = tuple(bits.items()), str(answer.objective)
    meaning = asked.meaning
    return SavedAnswer(
        origin=asked.origin,
        accelerator=asked.accelerator.name,
        constraints=tuple(c.text for c in asked.constraints),
        bits=widths,
        objective=objective,
        mapper=mapper,
        imperfect=imperfect,
        question=meaning,
        sha256=fingerprint(meaning, widths, objective, imperfect, mapper),
        status=answer.status,
        value=answer.value,
        lower_bound=answer.lower_bound,
        mapping=answer.mapping,
        evaluation=answer.evaluation,
        plans=answer.plans,
        searched=answer.searched,
        legal_mappings=legal,
        seconds=round(answer.seconds, 3),
    )


def count_legal(asked: Asked, bits: Mapping[str, int]) -> int | None:
    """The legal mappings; None if that takes too long, or constraints limit their cost or tie them to other layers'."""
    deadline = time.perf_counter() + COUNTING_S
    try:
        ((count,),) = count_under(asked.accelerator, asked.problem, [bits], [asked.constraints], deadline)
    except (SpecError, TimeUp):
        return None
    return count


def fingerprint(
    meaning: Json, bits: tuple[tuple[str, int], ...], objective: str, imperfect: str, mapper: MapperChoice
) -> str:
    """SHA-256 of a question with widths, objective, kind of factors and mapper."""
    return digest([meaning, bits, objective, imperfect, to_json(mapper, MapperChoice)])


def save_answers(path: Path, model: Model, command: str, answers: Iterable[SavedAnswer]) -> None:
    """Writes the file at once. Raises SpecError (Q0905) if it cannot."""
    saved = SavedAnswers(
        spec=_relative(model.path, path.parent),
        files=spec_files(model),
        qdsl=version("qdsl"),
        python=platform.python_version(),
        libraries=tuple((name, version(name)) for name in LIBRARIES),
        command=command,
        answers=tuple(answers),
    )
    data = {"format": FORMAT, "version": VERSION, **to_json(saved)}
    write_at_once(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def load_answers(path: Path) -> SavedAnswers:
    """Raises SpecError (Q0908) if the file is not one of saved answers."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(f"it is larger than {LARGEST_BYTES // 2**20} MiB")
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError("it is no answer of `qdsl map`")
        if data.get("version") != VERSION:
            raise ValueError(f"its version is {data.get('version')!r}, this qdsl reads version {VERSION}")
        answers = from_json(data, SavedAnswers)
        if not answers.answers:
            raise ValueError("it holds no answer")
        return answers
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, RecursionError) as error:
        reason = str(error)
    helps = ("`qdsl map FILE --out RESULT` saves answers",)
    raise SpecError([Diagnostic("Q0908", f"no saved answers can be read from `{path}`: {reason}", None, helps=helps)])


def spec_files(model: Model) -> tuple[tuple[str, str], ...]:
    """The files of a spec, itself first, by their paths from its directory, with the SHA-256 of their text."""
    directory = Path(model.path).parent
    return tuple((_relative(path, directory), sha256) for path, sha256 in model.files)


def _relative(path: str, directory: Path) -> str:
    """A path from a directory, with slashes; as it is where there is no way (another drive)."""
    try:
        return Path(os.path.relpath(path, directory)).as_posix()
    except ValueError:
        return Path(path).as_posix()
