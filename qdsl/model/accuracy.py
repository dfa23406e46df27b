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
