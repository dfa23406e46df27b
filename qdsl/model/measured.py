"""What a process that trains is asked, and what it answers: plain data, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.model.accuracy import Accuracy
from qdsl.model.network import Network

WidthList = tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
"""(layer, ((tensor, bits), ...)) of all layers."""


@dataclass(frozen=True)
class Question:
    """device: of torch."""

    network: Network
    accuracy: Accuracy
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class DataFacts:
    """digest: of all examples; train, validation, test: how many there are in each part; library: the version of torch."""

    digest: str
    train: int
    validation: int
    test: int
    library: str


@dataclass(frozen=True, slots=True)
class Measured:
    """errors: per cent on the part to choose by, after each epoch; one entry without training. test_error: on the part to
    report on; None for a training that ended early."""

    errors: tuple[float, ...]
    test_error: float | None = None

    @property
    def error(self) -> float:
        return self.errors[-1]
