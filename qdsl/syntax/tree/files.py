"""Files, and what they declare."""

from __future__ import annotations

from dataclasses import field

from qdsl.diagnostics import Span
from qdsl.syntax.node import Node, node
from qdsl.syntax.tree.constraints import ConstraintsDecl
from qdsl.syntax.tree.expressions import Text
from qdsl.syntax.tree.hardware import AcceleratorDecl, EngineDecl, TechnologyDecl
from qdsl.syntax.tree.mappings import MappingDecl
from qdsl.syntax.tree.networks import NetworkDecl
from qdsl.syntax.tree.operators import OperatorDecl
from qdsl.syntax.tree.studies import StudyDecl


@node
class Import(Node):
    """`import "eyeriss.qdsl"`."""

    path: Text


Declaration = (
    OperatorDecl
    | TechnologyDecl
    | EngineDecl
    | AcceleratorDecl
    | NetworkDecl
    | MappingDecl
    | ConstraintsDecl
    | StudyDecl
)


@node
class Comment(Node):
    """`// ...`, with its text; the formatter puts it back where it stood."""

    text: str


@node
class File(Node):
    """Imports and declarations, each in the order in which they stand in the file."""

    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
    lost: tuple[Span, ...] = field(default=(), compare=False, repr=False)  # text that could not be read
