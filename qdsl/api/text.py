"""Objects of the API as specs."""

from __future__ import annotations

from qdsl.api.spec import Spec, Study, WrittenMapping
from qdsl.unparse import text


def to_text(*parts: text.Part | Spec | Study | WrittenMapping) -> str:
    """A formatted spec that declares the parts and what they need: accelerators, networks, mappings and studies, made in
    Python or loaded, or pieces of a syntax tree.

    A mapping needs its network among the parts, if it was made in Python. Read again, the spec makes equal objects, but
    for the text of constraints. Comments of a loaded spec are no part of it. Raises ValueError for parts that have no text.
    """
    return text.to_text(*(plain for part in parts for plain in _plain(part)))


def _plain(part: text.Part | Spec | Study | WrittenMapping) -> list[text.Part]:
    if isinstance(part, Spec):
        return [part.tree]
    if isinstance(part, Study):
        return [part.checked]
    if isinstance(part, WrittenMapping):
        return [*(n for n in part.model.networks if n.name == part.checked.network), part.checked]
    return [part]
