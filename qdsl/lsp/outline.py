"""The symbols of a file as a tree: declarations, with levels, layers, entries and parameters in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qdsl.diagnostics import Span
from qdsl.lsp.symbols import KINDS
from qdsl.syntax import tree as t


@dataclass(frozen=True)
class Entry:
    """span: all of it; name_span: lies in it."""

    name: str
    kind: str
    span: Span
    name_span: Span
    inside: tuple[Entry, ...] = ()


def outline(tree: t.File) -> list[Entry]:
    return [_entry(KINDS[type(d)], d, d.name, _inside(d)) for d in tree.declarations]


def _inside(decl: t.Declaration) -> Iterable[Entry]:
    match decl:
        case t.OperatorDecl():
            yield from (_entry("parameter", p, p.name) for p in decl.parameters)
            yield from (_entry("dimension", d, d) for d in decl.dims)
            yield from (_entry("tensor", a, a.tensor) for rule in decl.rules for a in (*rule.inputs, rule.output))
        case t.TechnologyDecl():
            yield from (_entry("entry", e, e.name) for e in decl.entries)
        case t.EngineDecl() | t.AcceleratorDecl() | t.NetworkDecl():
            yield from _parts(decl.items)


def _parts(items: Iterable[t.Node]) -> Iterable[Entry]:
    for item in items:
        match item:
            case t.BlockDecl():
                yield _entry("block", item, item.name, _parts(item.statements))
            case (
                t.ParamDecl()
                | t.MemoryDecl()
                | t.ArrayDecl()
                | t.ComputeDecl()
                | t.InputStmt()
                | t.Binding()
                | t.LayerStmt()
            ):
                yield _entry(_PARTS[type(item)], item, item.name)


_PARTS: dict[type[t.Node], str] = {
    t.ParamDecl: "parameter",
    t.MemoryDecl: "memory",
    t.ArrayDecl: "array",
    t.ComputeDecl: "compute",
    t.InputStmt: "activation",
    t.Binding: "layer",
    t.LayerStmt: "layer",
}


def _entry(kind: str, node: t.Node, name: t.Ident, inside: Iterable[Entry] = ()) -> Entry:
    return Entry(name.name, kind, node.span, name.span, tuple(inside))
