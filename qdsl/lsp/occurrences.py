"""Every name of a file with what it stands for, also in a file with mistakes: what cannot be resolved is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from qdsl.lsp.constraint_names import ConstraintNames
from qdsl.lsp.symbols import (
    KINDS,
    Occurrence,
    Symbol,
    Visible,
    bindings_of,
    blocks_of,
    declared,
    defined_in,
    levels_of,
    parameters_of,
    tensors_of,
)
from qdsl.lsp.walk import Finder, Names, all_nodes
from qdsl.syntax import tree as t


def occurrences(tree: t.File, visible: Visible) -> list[Occurrence]:
    """In the order of the text."""
    finder = Finder(visible)
    for decl in tree.declarations:
        finder.declare(KINDS[type(decl)], decl.name)
        match decl:
            case t.OperatorDecl():
                _operator(decl, finder)
            case t.TechnologyDecl():
                for entry in decl.entries:
                    finder.declare("entry", entry.name)
                    finder.values(entry.statements, {})
            case t.EngineDecl():
                for item in decl.items:
                    if isinstance(item, t.ParamDecl | t.LetStmt | t.TableStmt):
                        finder.declare("parameter", item.name)
                finder.values(decl.items, {**parameters_of(decl), **defined_in(decl.items)})
            case t.AcceleratorDecl():
                _accelerator(decl, finder)
            case t.NetworkDecl():
                _network(decl, finder)
            case t.MappingDecl():
                _mapping(decl, finder)
            case t.ConstraintsDecl():
                finder.to(t.AcceleratorDecl, decl.accelerator)
                machine = visible.get(t.AcceleratorDecl, decl.accelerator.name)
                ConstraintNames(finder, machine, None).find(decl.body)
            case t.StudyDecl():
                _study(decl, finder)
    return sorted(finder.found, key=lambda o: o.span.start)


def occurrence_at(found: Iterable[Occurrence], offset: int) -> Occurrence | None:
    """The name that an offset lies in, or stands right behind."""
    near = [o for o in found if o.span.start <= offset <= o.span.end]
    return max(near, key=lambda o: o.span.start, default=None)


def _operator(decl: t.OperatorDecl, finder: Finder) -> None:
    parameters = parameters_of(decl)
    for parameter in decl.parameters:
        finder.declare("parameter", parameter.name)
    finder.dims(decl.dims, declares=True)
    finder.tensors(tensors_of(decl), declares=True)
    finder.tensors(decl.weights)
    indices = {d.name.lower(): d.name for d in decl.dims}
    accesses = [access for rule in decl.rules for access in (*rule.inputs, rule.output)]
    for name in all_nodes(index for access in accesses for index in access.indices):
        if isinstance(name, t.Name):
            _index(name.parts[0], parameters, indices, finder)


def _index(ident: t.Ident, parameters: Names, indices: Mapping[str, str], finder: Finder) -> None:
    if ident.name not in indices:
        finder.refer(ident, parameters)
        return
    finder.found.append(Occurrence(ident.span, Symbol("dimension", indices[ident.name], None), lower=True))


def _accelerator(decl: t.AcceleratorDecl, finder: Finder) -> None:
    symbols = {**parameters_of(decl), **levels_of(decl)}
    for item in decl.items:
        if isinstance(item, t.ParamDecl | t.MemoryDecl | t.ArrayDecl | t.ComputeDecl):
            finder.declare(symbols[item.name.name].kind, item.name)
        if isinstance(item, t.ComputeDecl):
            for stmt in item.statements:
                if isinstance(stmt, t.LetStmt | t.TableStmt):
                    finder.declare("parameter", stmt.name)
            finder.values(item.statements, {**parameters_of(decl), **defined_in(item.statements)})
        else:
            finder.values([item], parameters_of(decl))


def _network(decl: t.NetworkDecl, finder: Finder) -> None:
    blocks, bindings = blocks_of(decl), bindings_of(decl)
    for item in decl.items:
        if isinstance(item, t.BlockDecl):
            finder.declare("block", item.name)
            for parameter in item.parameters:
                finder.declare("parameter", parameter.name)
            _graph(item.statements, {**parameters_of(item), **bindings_of(item)}, blocks, finder)
        else:
            _graph([item], bindings, blocks, finder)


def _graph(nodes: Iterable[t.Node], names: Names, blocks: Mapping[str, t.BlockDecl], finder: Finder) -> None:
    """Statements of a network or block."""
    for node in all_nodes(nodes):
        match node:
            case t.Binding() | t.LayerStmt():
                finder.declare("layer", node.name)
            case t.InputStmt():
                finder.declare("activation", node.name)
            case t.Name():
                finder.refer(node.parts[0], names)
            case t.Call():
                _call(node, blocks, finder)


def _call(node: t.Call, blocks: Mapping[str, t.BlockDecl], finder: Finder) -> None:
    function = node.function.parts[0]
    arguments = [a.name for a in node.arguments if a.name]
    if block := blocks.get(function.name):
        finder.refer(function, {block.name.name: declared("block", block.name)})
        parameters = parameters_of(block)
    elif operator := finder.visible.get(t.OperatorDecl, function.name):
        finder.to(t.OperatorDecl, function)
        parameters = parameters_of(operator)
        finder.dims(a for a in arguments if a.name in {d.name for d in operator.dims})
        finder.dims(_padded(a) for a in arguments if a.name in {f"pad_{d.name}" for d in operator.dims})
    else:
        return
    for argument in arguments:
        finder.refer(argument, parameters)


def _padded(argument: t.Ident) -> t.Ident:
    """The dimension in `pad_P`."""
    span = replace(argument.span, start=argument.span.start + len("pad_"))
    return t.Ident(name=argument.name.removeprefix("pad_"), span=span)


def _mapping(decl: t.MappingDecl, finder: Finder) -> None:
    network, *layer = decl.layer.parts
    finder.to(t.NetworkDecl, network)
    finder.layer(finder.visible.get(t.NetworkDecl, network.name), layer)
    machine = finder.machine(decl.accelerator)
    places = levels_of(machine) if machine else {}
    for stmt in decl.statements:
        match stmt:
            case t.BitsStmt():
                finder.tensors(x.tensor for x in stmt.terms)
            case t.BypassStmt():
                finder.refer(stmt.level, places)
                finder.tensors(stmt.tensors)
            case t.NestStmt():
                finder.refer(stmt.place.parts[0], places)
                finder.dims(x.dim for x in stmt.loops)


def _study(decl: t.StudyDecl, finder: Finder) -> None:
    network: t.NetworkDecl | None = None
    machine: t.AcceleratorDecl | None = None
    for item in decl.items:
        if isinstance(item, t.MapStmt):
            for mapped in item.networks:
                finder.to(t.NetworkDecl, mapped.name)
            # the layers of a set are named after their network, not as in its declaration
            (first, *others) = item.networks
            network = None if others or first.weight else finder.visible.get(t.NetworkDecl, first.name.name)
            machine = finder.machine(item.accelerator)
    for item in decl.items:
        match item:
            case t.MapAsStmt():
                _map_as(item, finder)
            case t.ConstrainWith():
                finder.constraint_set(item.value, machine)
            case t.ConstrainBlock():
                ConstraintNames(finder, machine, network).find(item.body)
            case t.PrecisionBlock():
                for stmt in item.statements:
                    if isinstance(stmt, t.LayerWidths | t.SplitLayer):
                        finder.layer(network, stmt.layer.parts)
                    else:
                        finder.values([stmt], {})


def _map_as(stmt: t.MapAsStmt, finder: Finder) -> None:
    finder.to(t.OperatorDecl, stmt.operator)
    _call(stmt.call, {}, finder)
    replaced = finder.visible.get(t.OperatorDecl, stmt.operator.name)
    dims = {d.name for d in replaced.dims} if replaced else set()
    values = [n.parts[0] for n in all_nodes(a.value for a in stmt.call.arguments) if isinstance(n, t.Name)]
    finder.dims(v for v in values if v.name in dims)
