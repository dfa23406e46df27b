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
Decoder = Callable[[Json], Any]


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
    known: Any = hint
    try:
        result: T = _decoder(known)(data)
    except _MisfitError as misfit:
        raise ValueError(f"{hint.__name__}{''.join(reversed(misfit.path))}: {misfit.reason}") from None
    return result


class _MisfitError(Exception):
    """reason: what does not fit; path: where, as `.field` and `[index]`, the innermost first."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.path: list[str] = []


@cache
def _decoder(hint: Any) -> Decoder:
    """What reads the form of a type. Decoders of parts are looked up when they are used: types may contain themselves."""
    if hint is Any:
        return lambda data: data
    if _is_union(hint):
        return _of_union(hint)
    if _is_record(hint):
        return _of_record(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (tuple, frozenset):
        return _of_items(origin, arguments if origin is tuple else (arguments[0], ...))
    if origin is dict:
        return _of_dict(arguments[1])
    return lambda data: _scalar(data, hint)


def _of_union(hint: Any) -> Decoder:
    members, optional = _members(hint), type(None) in get_args(hint)
    scalar = next((m for m in members if not _is_record(m)), None)
    by_name = {m.__name__: m for m in members if _is_record(m)}

    def decode(data: Json) -> Any:
        if data is None and optional:
            return None
        if scalar is not None and not isinstance(data, dict):
            return _decoder(scalar)(data)
        if len(members) == 1:
            return _decoder(members[0])(data)
        kind = _expect(data, dict).get("is")
        if kind not in by_name:
            raise _MisfitError(f"unknown kind {kind!r}")
        return _decoder(by_name[kind])(data)

    return decode


def _of_record(hint: Any) -> Decoder:
    decoders: dict[str, Decoder] = {}

    def decode(data: Json) -> Any:
        _expect(data, dict)
        if not decoders:
            decoders.update({name: _decoder(field) for name, field in _fields(hint).items()})
        values, name = {}, ""
        try:
            for name, decoder in decoders.items():
                values[name] = decoder(data[name])
        except KeyError:
            raise _MisfitError(f"`{name}` is missing") from None
        except _MisfitError as misfit:
            misfit.path.append(f".{name}")
            raise
        return hint(**values)

    return decode


def _of_items(origin: Any, arguments: tuple[Any, ...]) -> Decoder:
    alike = _decoder(arguments[0]) if len(arguments) == 2 and arguments[1] is Ellipsis else None

    def decode(data: Json) -> Any:
        items = _expect(data, list)
        decoders = [alike] * len(items) if alike else [_decoder(h) for h in arguments]
        if len(decoders) != len(items):
            raise _MisfitError(f"{len(items)} items instead of {len(decoders)}")
        found: list[Any] = []
        try:
            for item, decoder in zip(items, decoders, strict=True):
                found.append(decoder(item))
        except _MisfitError as misfit:
            misfit.path.append(f"[{len(found)}]")
            raise
        return origin(found)

    return decode


def _of_dict(hint: Any) -> Decoder:
    def decode(data: Json) -> Any:
        decoder, found, key = _decoder(hint), {}, ""
        try:
            for key, value in _expect(data, dict).items():
                found[key] = decoder(value)
        except _MisfitError as misfit:
            misfit.path.append(f".{key}")
            raise
        return found

    return decode


def _scalar(data: Json, hint: Any) -> Any:
    if hint is float and isinstance(data, str) and data in ("inf", "-inf", "nan"):
        return float(data)
    if hint is float and isinstance(data, (int, float)) and not isinstance(data, bool):
        return float(data)
    if hint in (int, bool, str) and type(data) is hint:
        return data
    raise _MisfitError(f"{data!r} is not of type {getattr(hint, '__name__', hint)}")


def _expect(data: Json, kind: type[T]) -> T:
    if not isinstance(data, kind):
        raise _MisfitError(f"{data!r} is not of type {kind.__name__}")
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
