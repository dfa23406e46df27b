"""How the accuracy of a study's designs is measured: on which data, by which method."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataKind:
    """What is known of a kind of data before it is read. shape: of one input, without the batch axis; None where it follows
    the network. classes: None where the files decide. needs_path: whether the files are the user's."""

    shape: tuple[int | None, ...]
    classes: int | None
    needs_path: bool = True

    def fits(self, shape: tuple[int, ...], classes: int) -> bool:
        """Whether a network with these sizes can learn from it."""
        same = len(shape) == len(self.shape) and all(b in (None, a) for a, b in zip(shape, self.shape, strict=True))
        return same and self.classes in (None, classes)

    def __str__(self) -> str:
        sizes = " x ".join("any" if n is None else str(n) for n in self.shape)
        return f"inputs of {sizes}, " + (f"{self.classes} classes" if self.classes else "a class per folder")


DATA: dict[str, DataKind] = {
    "digits": DataKind((1, 8, 8), 10, needs_path=False),
    "cifar10": DataKind((3, 32, 32), 10),
    "cifar100": DataKind((3, 32, 32), 100),
    "images": DataKind((3, None, None), None),
    "speech_commands": DataKind((1, 49, None), 12),
}


@dataclass(frozen=True, slots=True)
class DataSource:
    """kind: of DATA. path: of the files, relative to where the program runs or absolute; '' where none is needed."""

    kind: str
    path: str = ""

    def __str__(self) -> str:
        return f'{self.kind} from "{self.path}"' if self.path else self.kind


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How the error of a design is measured. `str` gives it as a spec says it.

    method: 'train' (the quantised network is trained on), 'calibrate' (only the ranges of its quantisers are set), or
    'estimate': the error is not measured, but how sensitive the network is to each width, by `measure`.
    weights: file of the float network; '' for one that is trained here, for `float_epochs` at `float_rate`. epochs, rate:
    of the quantised network; both rates fall to 0 along half a cosine. batch: examples per step. samples: of the training
    part, to set ranges by. stop: a training ends when its error is so much (0..1) above that of a design that costs no
    more. ranges: how those of the quantisers are found; learned: whether they are trained as well, of both ('lsq') or of
    activations ('pact'); per: whether weights have one per output channel or per tensor. seed: of the weights and the order
    of the examples.
    """

    method: str
    data: DataSource
    weights: str = ""
    epochs: int = 4
    rate: float = 0.02
    float_epochs: int = 40
    float_rate: float = 0.1
    batch: int = 64
    samples: int = 256
    stop: float = 0.05
    ranges: str = "minmax"
    learned: str = "none"
    per: str = "channel"
    measure: str = "kl"
    seed: int = 1

    @property
    def settings(self) -> dict[str, int | float | str]:
        """Of its method, by name."""
        return {name: getattr(self, name) for name in METHODS[self.method]}

    @property
    def trained_epochs(self) -> int:
        """Of a design; 1 where it is not trained."""
        return self.epochs if self.method == "train" else 1

    def stops(self, error: float, bound: float) -> bool:
        """Whether a training ends before its last epoch with this error; both in per cent. bound: from where a design is of
        no use."""
        return error > bound + 100 * self.stop

    def __str__(self) -> str:
        values = ((name, x if isinstance(x, str) else f"{x:g}") for name, x in self.settings.items())
        settings = ", ".join(f"{name} = {value}" for name, value in values)
        weights = f' with weights "{self.weights}"' if self.weights else ""
        return f"{self.method}({settings}) on {self.data}{weights}"


_BOTH = ("float_epochs", "float_rate", "batch", "samples", "ranges", "per", "seed")
METHODS: dict[str, tuple[str, ...]] = {"train": ("epochs", "rate", *_BOTH, "learned", "stop"), "calibrate": _BOTH}
METHODS["estimate"] = ("measure", *_BOTH)
"""Settings of each method."""
RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 1000),
    "rate": (0, 10),
    "float_epochs": (0, 10_000),
    "float_rate": (0, 10),
    "batch": (1, 2**20),
    "samples": (1, 2**20),
    "stop": (0, 1),
    "seed": (0, 2**32 - 1),
}
"""Smallest and largest value of the settings that are numbers."""
CHOICES: dict[str, tuple[str, ...]] = {
    "ranges": ("minmax", "percentile", "mse"),
    "learned": ("none", "lsq", "pact"),
    "per": ("channel", "tensor"),
    "measure": ("sqnr", "kl", "hessian"),
}
"""Values of the others."""
