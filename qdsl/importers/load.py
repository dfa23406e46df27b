"""A network from wherever it is described, as the text of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qdsl.diagnostics import Diagnostic
from qdsl.importers.convert import import_graph
from qdsl.importers.names import identifier
from qdsl.importers.onnx_file import read_onnx
from qdsl.importers.text import Imported, network_text


@dataclass(frozen=True)
class Import:
    """text: the spec. findings: warnings of nodes that only move values, in a list of layers."""

    network: Imported
    text: str
    findings: tuple[Diagnostic, ...] = ()


def import_network(source: str, sizes: Mapping[str, tuple[int, ...]] | None = None, *, layers: bool = False) -> Import:
    """The network in an ONNX file. sizes: shapes of inputs that are open. layers: a list of layers without a graph.

    Raises SpecError for what cannot be read (Q0970), nodes without a meaning here (Q0971), a missing library (Q0960).
    """
    path = Path(source)
    graph = read_onnx(path, sizes or {})
    network, findings = import_graph(graph, path.name, identifier(path.stem, "net"), layers)
    return Import(network, network_text(network), findings)
