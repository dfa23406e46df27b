"""Frozen dataclasses as JSON and back, directed by their type hints.

One form serves `run.json`, the store's values and (sorted and hashed) the store's keys. A dataclass becomes an object
with its compared fields, so source positions are left out; where a field may hold one of several dataclasses, `"is"`
names which (or a number instead of one). Numbers that JSON
cannot hold (infinity) become strings. Pairs and tuples become lists.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Json = Any  # dict, list, str, int, float, bool or None


def to_json(value: Any, hint: Any = None) -> Json:
    """JSON form of `value`, seen as `hint` (its own class if absent). Raises TypeError for types it does not know."""
    hint = type(value) if hint is None else hint
    if hint is Any:
        return value
    if _is_union(hint):
        if value is None:
            return None
        members = _members(hint)
        if len(members) == 1:
            return to_json(value, members[0])
        return {"is": type(value).__name__, **to_json(value)} if _is_record(value) else to_json(value)
    if _is_record(hint):
        return {name: to_json(getattr(value, name), field) for name, field in _fields(hint).items()}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return [to_json(x, h) for x, h in zip(value, _item_hints(arguments, len(value)), strict=True)]
    if origin is frozenset:
        return sorted(to_json(x, arguments[0]) for x in value)
    if origin is dict:
        return {k: to_json(x, arguments[1]) for k, x in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(data: Json, hint: type[T]) -> T:
    """The value of type `hint` whose JSON form is `data`. Raises ValueError, naming the place, when it is not one."""
    result: T = _decode(data, hint, hint.__name__)
    return result


def _decode(data: Json, hint: Any, where: str) -> Any:
    if hint is Any:
        return data
    if _is_union(hint):
        if data is None and type(None) in get_args(hint):
            return None
        members = _members(hint)
        scalars = tuple(m for m in members if not _is_record(m))
        if scalars and not isinstance(data, dict):
            members = scalars[:1]
        elif len(members) > 1:
            kind = _expect(data, dict, where).get("is")
            members = tuple(m for m in members if m.__name__ == kind)
            if not members:
                raise ValueError(f"{where}: unknown kind {kind!r}")
        return _decode(data, members[0], where)
    if _is_record(hint):
        return _decode_object(_expect(data, dict, where), hint, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (tuple, frozenset):
        items = _expect(data, list, where)
        hints = _item_hints(arguments if origin is tuple else (arguments[0], ...), len(items))
        if len(hints) != len(items):
            raise ValueError(f"{where}: {len(items)} items instead of {len(hints)}")
        return origin(_decode(x, h, f"{where}[{i}]") for i, (x, h) in enumerate(zip(items, hints, strict=True)))
    if origin is dict:
        return {k: _decode(x, arguments[1], f"{where}.{k}") for k, x in _expect(data, dict, where).items()}
    return _decode_scalar(data, hint, where)


def _decode_object(data: dict[str, Json], hint: Any, where: str) -> Any:
    fields = _fields(hint)
    missing = [name for name in fields if name not in data]
    if missing:
        raise ValueError(f"{where}: `{missing[0]}` is missing")
    return hint(**{name: _decode(data[name], field, f"{where}.{name}") for name, field in fields.items()})


def _decode_scalar(data: Json, hint: Any, where: str) -> Any:
    if hint is float and isinstance(data, str) and data in ("inf", "-inf", "nan"):
        return float(data)
    if hint is float and isinstance(data, (int, float)) and not isinstance(data, bool):
        return float(data)
    if hint in (int, bool, str) and type(data) is hint:
        return data
    raise ValueError(f"{where}: {data!r} is not of type {getattr(hint, '__name__', hint)}")


def _expect(data: Json, kind: type[T], where: str) -> T:
    if not isinstance(data, kind):
        raise ValueError(f"{where}: {data!r} is not of type {kind.__name__}")
    return data


@cache
def _fields(cls: Callable[..., Any]) -> dict[str, Any]:
    """Type hints of the compared fields of a dataclass."""
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.compare}  # type: ignore[arg-type]


def _is_record(value: Any) -> bool:
    """A dataclass or an instance of one."""
    return dataclasses.is_dataclass(value)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _members(hint: Any) -> tuple[Any, ...]:
    return tuple(m for m in get_args(hint) if m is not type(None))


def _item_hints(arguments: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    return (arguments[0],) * count if len(arguments) == 2 and arguments[1] is Ellipsis else arguments
