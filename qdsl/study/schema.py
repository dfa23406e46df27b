"""The JSON Schema of what `codec` writes, from the same type hints."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any, get_args, get_origin

from qdsl.study.codec import Json, fields_of, is_union, members_of
from qdsl.study.result import StudyRun
from qdsl.study.runfile import FORMAT, VERSION

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS = {int: "integer", bool: "boolean", str: "string"}


def run_schema() -> Json:
    """That of `run.json`."""
    parts: dict[str, Json] = {}
    run = _schema(StudyRun, parts)
    constants = {"format": {"const": FORMAT}, "version": {"const": VERSION}}
    return {
        "$schema": _DIALECT,
        "title": f"{FORMAT} {VERSION}",
        "description": "A finished run of qdsl. Energies in pJ, times in seconds.",
        "type": "object",
        "properties": {**constants, "run": run},
        "required": ["format", "version", "run"],
        "additionalProperties": False,
        "$defs": dict(sorted(parts.items())),
    }


def _schema(hint: Any, parts: dict[str, Json]) -> Json:
    """The schema of a type; those of dataclasses go into `parts` by name. Raises TypeError for types it does not know."""
    inner = partial(_schema, parts=parts)
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if is_union(hint):
        members = members_of(hint)
        options = [inner(m) for m in members]
        if len(members) > 1:
            options = [_told_apart(m, o) for m, o in zip(members, options, strict=True)]
        return {"anyOf": [*options, *([{"type": "null"}] if type(None) in arguments else [])]}
    if dataclasses.is_dataclass(hint):
        return _reference(hint, parts)
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        n = len(arguments)
        return {"type": "array", "prefixItems": [inner(a) for a in arguments], "minItems": n, "maxItems": n}
    if origin in (tuple, frozenset):
        return {"type": "array", "items": inner(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": inner(arguments[1])}
    if hint is float:
        return {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", "nan"]}]}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    raise TypeError(f"{hint} has no JSON form")


def _reference(cls: Any, parts: dict[str, Json]) -> Json:
    """A dataclass is described once; `is`, which some places add, is not among its properties."""
    name = cls.__name__
    if name not in parts:
        parts[name] = {}  # one that holds itself refers to it
        fields = {field: _schema(hint, parts) for field, hint in fields_of(cls).items()}
        first = (cls.__doc__ or "").partition("\n\n")[0]
        parts[name] = {
            "title": name,
            "description": " ".join(first.split()),
            "type": "object",
            "properties": fields,
            "required": list(fields),
        }
    return {"$ref": f"#/$defs/{name}"}


def _told_apart(member: Any, schema: Json) -> Json:
    if not dataclasses.is_dataclass(member):
        return schema
    kind = {"properties": {"is": {"const": getattr(member, "__name__", "")}}, "required": ["is"]}
    return {"allOf": [schema, kind]}
