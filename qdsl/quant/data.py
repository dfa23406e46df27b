"""Labelled data in three parts: to train on, to choose designs by, and to report the chosen ones on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.diagnostics.extras import not_installed
from qdsl.model.accuracy import DATA, DataSource

Inputs = npt.NDArray[np.float32]  # [examples, *shape]
Labels = npt.NDArray[np.int64]  # [examples]

SPLIT_SEED = 2024
"""Parts are drawn once and for all: the seed of a study changes the training, never what it is judged by."""
SHARE = 0.2
"""Of the examples, those to choose by; as many are reported on where the data have no test set of their own."""


@dataclass(frozen=True)
class Part:
    """inputs: of mean 0 and variance 1 per channel over the training part."""

    inputs: Inputs
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Data:
    train: Part
    validation: Part
    test: Part
    classes: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input."""
        return self.train.inputs.shape[1:]

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of all examples, wherever they were read from."""
        found = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            for array in (part.inputs, part.labels):
                found.update(repr((array.shape, array.dtype.str)).encode())
                found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()


def load(source: DataSource, shape: tuple[int, ...]) -> Data:
    """The data in a fixed order. shape: of one input of the network, for data that have no size of their own.

    Raises SpecError (Q0930) for files that are missing or wrong, and Q0960 for a missing library.
    """
    if source.kind == "digits":
        return _digits()
    if source.kind in ("cifar10", "cifar100"):
        from qdsl.quant.cifar import cifar

        return cifar(source)
    if source.kind == "images":
        from qdsl.quant.images import images

        return images(source, shape)
    from qdsl.quant.speech import speech_commands

    return speech_commands(source, shape)


def _digits() -> Data:
    """The 1797 handwritten digits of 8 x 8 pixels that scikit-learn brings along (UCI Optical Recognition of Handwritten
    Digits, the test set)."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise not_installed(error, "accuracy", "`accuracy on digits`") from None
    found = load_digits()
    inputs = found.images.astype(np.float32)[:, None] / 16
    return divided(inputs, found.target.astype(np.int64), DATA["digits"].classes or 0)


def divided(inputs: Inputs, labels: Labels, classes: int, test: tuple[Inputs, Labels] | None = None) -> Data:
    """Each class in the same shares in every part. test: the part to report on, if the data have one."""
    draw = np.random.default_rng(SPLIT_SEED)
    chosen: list[npt.NDArray[np.intp]] = []
    reported: list[npt.NDArray[np.intp]] = []
    rest: list[npt.NDArray[np.intp]] = []
    for label in range(classes):
        of_class = draw.permutation(np.flatnonzero(labels == label))
        n = round(SHARE * len(of_class))
        ends = [n, n if test else 2 * n]
        for indices, where in zip(np.split(of_class, ends), (chosen, reported, rest), strict=True):
            where.append(indices)

    def part(indices: list[npt.NDArray[np.intp]]) -> Part:
        together = draw.permutation(np.concatenate(indices))
        return Part(inputs[together], labels[together])

    return normalised(Data(part(rest), part(chosen), Part(*test) if test else part(reported), classes))


def normalised(data: Data) -> Data:
    """All parts by the mean and deviation of each channel of the training part."""
    axes = (0, *range(2, data.train.inputs.ndim))
    mean = data.train.inputs.mean(axes, keepdims=True, dtype=np.float64)
    deviation = data.train.inputs.std(axes, keepdims=True, dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1.0)

    def part(x: Part) -> Part:
        return Part(((x.inputs - mean) / scale).astype(np.float32), x.labels)

    return Data(part(data.train), part(data.validation), part(data.test), data.classes)


def refuse(source: DataSource, problem: str, *notes: str, helps: tuple[str, ...] = ()) -> NoReturn:
    """Raises SpecError: the files are not what was asked for."""
    raise SpecError([Diagnostic("Q0930", f"`{source}` cannot be read: {problem}", None, notes=notes, helps=helps)])
