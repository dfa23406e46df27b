"""What all nodes of the syntax tree have in common.

A node is a frozen dataclass. Making the methods of each of its eighty classes took a third of the time of `qdsl check`, so
they stand here once, for any fields.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from qdsl.diagnostics import Span

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def node(cls: type[T]) -> type[T]:
    """Makes a class a dataclass with the methods of `Node`."""
    return dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)


@node
class Node:
    """A piece of the tree and where it stands. Equality ignores the places."""

    span: Span = field(compare=False, repr=False)

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:

        def __init__(self, **values: Any) -> None:
            known = self.__dataclass_fields__
            if values.keys() != known.keys():
                values = _completed(type(self), values)
            self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _compared(self) == _compared(other)

    def __hash__(self) -> int:
        return hash((type(self), *_compared(self)))

    def __repr__(self) -> str:
        shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
        return f"{type(self).__name__}({', '.join(shown)})"


def _completed(cls: type[Node], values: dict[str, Any]) -> dict[str, Any]:
    """The values with those of absent fields. Raises TypeError for an unknown field, or one without a default."""
    defaults = {f.name: f.default for f in fields(cls) if f.default is not MISSING}
    missing = cls.__dataclass_fields__.keys() - defaults.keys() - values.keys()
    unknown = values.keys() - cls.__dataclass_fields__.keys()
    if missing or unknown:
        raise TypeError(f"{cls.__name__}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    return defaults | values


def _compared(made: Node) -> tuple[Any, ...]:
    return tuple(getattr(made, f.name) for f in fields(made) if f.compare)
