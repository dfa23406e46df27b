"""What differs between two questions in JSON form, in words."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from qdsl.study.codec import Json

_MOST = 8
_LONGEST = 60  # characters of a value that are shown


def differences(then: Json, now: Json, tolerance: float = 0.0, most: int = _MOST) -> tuple[str, ...]:
    """A line per place where data differ, the first `most`; parts of lists that have names are told apart by these.

    tolerance: relative, up to which floating-point numbers are the same.
    """
    found = list(_differences("", then, now, tolerance))
    more = len(found) - most
    return (*found[:most], *([f"and {more} more"] if more > 0 else []))


def _differences(where: str, then: Json, now: Json, tolerance: float) -> Iterator[str]:
    if isinstance(then, list) and isinstance(now, list):
        then, now = _by_name(then), _by_name(now)
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*then, *now]):
            here = f"{where}.{key}" if where else str(key)
            if key not in now:
                yield f"`{here}` was there: {_shown(then[key])}"
            elif key not in then:
                yield f"`{here}` is new: {_shown(now[key])}"
            else:
                yield from _differences(here, then[key], now[key], tolerance)
    elif not _same(then, now, tolerance):
        yield f"`{where}` was {_shown(then)}, is {_shown(now)}"


def _same(then: Json, now: Json, tolerance: float) -> bool:
    if isinstance(then, float) and isinstance(now, float):
        return isclose(then, now, rel_tol=tolerance)
    return type(then) is type(now) and bool(then == now)


def _by_name(items: list[Json]) -> dict[Json, Json]:
    """Objects by their names, pairs of a name and something as the latter by the former; else all by number."""
    found: dict[Json, Json] = {}
    for item in items:
        match item:
            case {"name": str(name)}:
                found[name] = item
            case [str(name), value]:
                found[name] = value
    return found if len(found) == len(items) else dict(enumerate(items))


def _shown(value: Json) -> str:
    if isinstance(value, dict):
        text = str(value.get("name") or f"{{{', '.join(map(str, value))}}}")
    elif isinstance(value, list):
        text = f"a list of {len(value)}"
    else:
        text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
