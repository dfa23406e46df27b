"""A network from wherever it is described, as the text of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qdsl.diagnostics import Diagnostic
from qdsl.importers.convert import import_graph
from qdsl.importers.names import identifier
from qdsl.importers.onnx_file import graph_of, read_onnx
from qdsl.importers.text import Imported, network_text
from qdsl.importers.torch_program import program_of_file, program_of_function


@dataclass(frozen=True)
class Import:
    """text: the spec. findings: warnings of nodes that only move values, in a list of layers."""

    network: Imported
    text: str
    findings: tuple[Diagnostic, ...] = ()


def import_network(source: str, sizes: Mapping[str, tuple[int, ...]] | None = None, *, layers: bool = False) -> Import:
    """The network in an ONNX file, in a file of `torch.export.save`, or of the model that a `module:function` returns, which
    is called. sizes: shapes of inputs that are open. layers: a list of layers without a graph.

    Raises SpecError for what cannot be read (Q0970), nodes without a meaning here (Q0971), a missing library (Q0960).
    """
    path, given = Path(source), sizes or {}
    name = source if _is_function(source) else path.name
    if _is_function(source):
        graph = graph_of(program_of_function(source), source, Path(), given)
    elif path.suffix == ".pt2":
        graph = graph_of(program_of_file(path), source, path.parent, given)
    else:
        graph = read_onnx(path, given)
    stem = source.rpartition(":")[2] if _is_function(source) else path.stem
    network, findings = import_graph(graph, name, identifier(stem, "net"), layers)
    return Import(network, network_text(network), findings)


def _is_function(source: str) -> bool:
    module, colon, function = source.rpartition(":")
    return bool(colon) and function.isidentifier() and all(p.isidentifier() for p in module.split("."))
