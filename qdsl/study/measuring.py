"""Errors of designs, measured by training them: each once, in processes, remembered in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.model.accuracy import Accuracy
from qdsl.model.measured import DataFacts, Measured, Question
from qdsl.model.network import Network
from qdsl.model.study import Study
from qdsl.study.codec import Json, to_json
from qdsl.study.files import write_at_once
from qdsl.study.keys import digest
from qdsl.study.progress import Progress
from qdsl.study.result import AccuracyFacts
from qdsl.study.store import Store
from qdsl.study.tables import layer_bits
from qdsl.study.trainers import Trainers

TRAINING = 2
"""Version of the training: raised whenever the same question gets another answer."""

Array = npt.NDArray[np.float64]
Choice = tuple[int, ...]
Options = Mapping[str, Mapping[str, Sequence[int]]]
"""Layer -> tensor -> widths."""
Sensitivity = Mapping[str, Mapping[str, Mapping[int, float]]]
"""Layer -> tensor -> width -> what it adds."""


@dataclass(frozen=True)
class _Start:
    """What all designs have in common. key: of the float network; measured: what it reaches; weights: its file."""

    key: Json
    facts: DataFacts
    measured: Measured
    weights: Path


class Errors:
    """Errors of a study's designs in per cent, each measured when it is asked for. out_dir: for the float network. device: of
    torch."""

    def __init__(
        self, study: Study, store: Store, trainers: Trainers, out_dir: Path, progress: Progress, device: str = "cpu"
    ) -> None:
        if study.accuracy is None:
            raise ValueError("the study measures no accuracy")
        self._study, self._accuracy = study, study.accuracy
        self._store, self._trainers = store, trainers
        self._out_dir, self._progress, self._device = out_dir, progress, device
        self._known: dict[Choice, Measured] = {}
        self._costs: dict[tuple[Choice, bytes], Array] = {}
        self._from_store, self._seconds = 0, 0.0

    def of(self, choices: Sequence[Choice], costs: Array, whole: bool = False) -> Array:
        """float64[designs]. choices: the widths of each; costs: float64[designs, objectives], what it costs otherwise. whole:
        no training ends early; otherwise one does that has become useless beside the designs measured before."""
        bounds = [inf if whole else self._bound(row) for row in costs]
        wanted = {c: b for c, b in zip(choices, bounds, strict=True) if self._is_new(c, whole)}
        found = self._stored(wanted)
        self._from_store += len(found)
        left = [c for c in wanted if c not in found]
        calls = [("measure", self._question, self._start.weights, self._widths(c), wanted[c]) for c in left]
        self._progress.measuring(0, len(left))
        for n, (i, (measured, seconds)) in enumerate(self._trainers.all(calls), 1):
            self._store.put_error(self._key(left[i]), measured)
            found[left[i]] = measured
            self._seconds += seconds
            self._progress.measuring(n, len(left))
        self._known.update(found)
        self._costs.update(((c, row.tobytes()), row) for c, row in zip(choices, costs, strict=True))
        return np.array([self._known[c].error for c in choices])

    def test_error(self, choice: Choice) -> float | None:
        """Of a design that has been measured, on examples that no choice depends on; None if its training ended early."""
        return self._known[choice].test_error

    def sensitivity(self, options: Options) -> Sensitivity:
        """What each width of a tensor adds, of a study that estimates; kept beside the float network. options: the widths that
        are asked for. Raises SpecError (Q0901) for a file of it that is damaged."""
        key = [self._start.key, self._how, {layer: dict(tensors) for layer, tensors in options.items()}]
        path = self._out_dir / f"sensitivity-{digest(key)[:16]}.json"
        if not path.exists():
            found = self._trainers.call("sensitivities", self._question, self._start.weights, options)
            write_at_once(path, json.dumps(found))
        return _sensitivity(path, options)

    def facts(self) -> AccuracyFacts:
        measured = self._known.values()
        return AccuracyFacts(
            examples=(self._start.facts.train, self._start.facts.validation, self._start.facts.test),
            float_error=self._start.measured.error,
            float_test_error=self._start.measured.test_error,
            measured=len(measured),
            stopped=sum(m.test_error is None for m in measured),
            from_store=self._from_store,
            seconds=self._seconds,
        )

    def _is_new(self, choice: Choice, whole: bool) -> bool:
        known = self._known.get(choice)
        return known is None or (whole and known.test_error is None)

    def _bound(self, costs: Array) -> float:
        """The least error of the designs that cost no more in anything, or the limit."""
        limit = inf if self._study.largest_error is None else self._study.largest_error
        return min([limit, *(self._known[c].error for (c, _), row in self._costs.items() if (row <= costs).all())])

    def _stored(self, wanted: dict[Choice, float]) -> dict[Choice, Measured]:
        """What the store knows as it would be measured now. wanted: with their bounds."""
        keys = {self._key(c): c for c in wanted}
        found = {}
        for key, measured in self._store.errors(keys).items():
            choice = keys[key]
            if (now := cut(self._accuracy, measured, wanted[choice])) is not None:
                found[choice] = now
        return found

    def _widths(self, choice: Choice) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
        return tuple(layer_bits(self._study, choice).items())

    def _key(self, choice: Choice) -> str:
        return digest([self._start.key, self._how, self._widths(choice)])

    @cached_property
    def _how(self) -> Json:
        """How a design is measured. The limits and `stop` say only when it ends."""
        a = self._accuracy
        return {"method": a.method, **{name: value for name, value in a.settings.items() if name != "stop"}}

    @cached_property
    def _question(self) -> Question:
        return Question(self._study.network, self._accuracy, self._device)

    @cached_property
    def _start(self) -> _Start:
        """Reads the data and trains the float network, or finds it where an earlier run has left it."""
        facts: DataFacts = self._trainers.call("data_facts", self._question)
        a = self._accuracy
        how = {name: getattr(a, name) for name in ("float_epochs", "float_rate", "batch", "seed")}
        key = [TRAINING, facts.digest, facts.library, self._device, _network(self._study.network), how]
        path = Path(a.weights) if a.weights else self._out_dir / f"float-{digest(key)[:16]}.pt"
        self._progress.float_training()
        measured, content = self._trainers.call("measure_float", self._question, path)
        self._progress.float_trained(measured.error)
        return _Start([key, content], facts, measured, path)


def cut(accuracy: Accuracy, measured: Measured, bound: float) -> Measured | None:
    """What a training would come to now that an earlier one, perhaps with another bound, has come to; None if that one ended
    too early to tell."""
    for n, error in enumerate(measured.errors[: accuracy.trained_epochs - 1], 1):
        if accuracy.stops(error, bound):
            return Measured(measured.errors[:n])
    return measured if measured.test_error is not None else None


def _sensitivity(path: Path, options: Options) -> Sensitivity:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {
            layer: {t: {bits: float(known[layer][t][str(bits)]) for bits in widths} for t, widths in tensors.items()}
            for layer, tensors in options.items()
        }
    except (ValueError, TypeError, LookupError):
        text, helps = f"`{path}` holds no sensitivities", ("delete it: they are measured again",)
        raise SpecError([Diagnostic("Q0901", text, None, helps=helps)]) from None


def _network(network: Network) -> Json:
    """The meaning of a network for its training: the names of its layers are those of the weights."""
    data = to_json(network)
    for layer in data["layers"]:
        layer["problem"]["operator"].pop("name")
    return {name: data[name] for name in ("layers", "activations", "outputs")}
