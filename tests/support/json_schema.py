"""The part of JSON Schema that qdsl's own schema uses: enough to say whether data follow it."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_KNOWN = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "properties", "required", "additionalProperties"),
    *("anyOf", "allOf", "const", "enum", "items", "prefixItems", "minItems", "maxItems"),
}


def follows(data: Any, schema: Any, root: Any = None) -> bool:
    """Whether data follow a schema. Raises AssertionError for a schema that says more than is looked at here."""
    root = schema if root is None else root
    assert schema.keys() <= _KNOWN
    if "$ref" in schema and not follows(data, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root):
        return False
    if "type" in schema:
        kinds = _TYPES[schema["type"]]
        if not isinstance(data, kinds) or (isinstance(data, bool) and bool not in kinds):
            return False
    if "const" in schema and data != schema["const"]:
        return False
    if "enum" in schema and data not in schema["enum"]:
        return False
    if "anyOf" in schema and not any(follows(data, s, root) for s in schema["anyOf"]):
        return False
    if not all(follows(data, s, root) for s in schema.get("allOf", ())):
        return False
    if isinstance(data, dict):
        return _object(data, schema, root)
    return not isinstance(data, list) or _array(data, schema, root)


def _object(data: dict[str, Any], schema: Any, root: Any) -> bool:
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    if not set(schema.get("required", ())) <= data.keys():
        return False
    if more is False and not data.keys() <= properties.keys():
        return False
    return all(follows(value, properties.get(name, more or {}), root) for name, value in data.items())


def _array(data: list[Any], schema: Any, root: Any) -> bool:
    if not schema.get("minItems", 0) <= len(data) <= schema.get("maxItems", len(data)):
        return False
    items = schema.get("prefixItems", [schema.get("items", {})] * len(data))
    return all(follows(x, s, root) for x, s in zip(data, items, strict=True))
