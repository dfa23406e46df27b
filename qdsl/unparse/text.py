"""Objects as a spec, with everything they need, that is read as the same objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from qdsl.diagnostics import Sink, SpecError
from qdsl.model.accelerator import Accelerator
from qdsl.model.check_operator import OperatorTemplate
from qdsl.model.loader import Library
from qdsl.model.network import Network
from qdsl.model.operator import Operator
from qdsl.model.study import Model, Study, WrittenMapping
from qdsl.syntax import format_source
from qdsl.syntax import tree as t
from qdsl.unparse.accelerator import accelerator_decl
from qdsl.unparse.network import network_decl, whole
from qdsl.unparse.operators import operator_text
from qdsl.unparse.study import mapping_decl, partial_sums, study_decl, without_partial_sums
from qdsl.unparse.tree_text import tree_text

T = TypeVar("T")
Part = Accelerator | Network | WrittenMapping | Study | Model | OperatorTemplate | t.File | t.Import | t.Declaration


def to_text(*parts: Part) -> str:
    """A formatted spec that declares the parts: files and declarations of a syntax tree, or checked parts of a model.

    Parts of a model bring the operators, networks and accelerators that they use; a mapping needs its network among the
    parts. Other operators that constraints name are parts of their own. The spec is read again: it makes equal objects,
    but for the text of constraints, which is as it stands there. Raises ValueError for parts that have no text.
    """
    collected = _Collected()
    for part in parts:
        collected.add(part)
    raw = "\n".join(map(tree_text, collected.declarations()))
    try:
        text = format_source(raw)
    except SpecError as error:
        raise ValueError(f"this cannot be written as a spec:\n{error}\n{raw}") from None
    collected.check(text)
    return text


@dataclass
class _Collected:
    """Parts by name. studies: with whether each sets the width of partial sums."""

    trees: list[t.File | t.Import | t.Declaration] = field(default_factory=list)
    operators: dict[str, OperatorTemplate] = field(default_factory=dict)
    accelerators: dict[str, Accelerator] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    mappings: dict[str, WrittenMapping] = field(default_factory=dict)
    studies: dict[str, Study] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        match part:
            case Model():
                inside: tuple[Part, ...] = (*part.accelerators, *part.networks, *part.mappings, *part.studies)
                for inner in inside:
                    self.add(inner)
            case OperatorTemplate():
                _keep(self.operators, part.name, part)
            case Accelerator():
                _keep(self.accelerators, part.name, part)
            case Network():
                _keep(self.networks, part.name, whole(part))
            case WrittenMapping():
                _keep(self.mappings, part.name, part)
                _keep(self.accelerators, part.accelerator.name, part.accelerator)
            case Study():
                _keep(self.studies, part.name, part)
                _keep(self.networks, part.network.name, whole(part.network))
            case _:
                self.trees.append(part)

    def declarations(self) -> Iterator[t.File | t.Import | t.Declaration]:
        yield from self.trees
        for study in self.studies.values():
            if self.accelerators.get(study.accelerator.name) != study.accelerator:
                _keep(self.accelerators, study.accelerator.name, without_partial_sums(study.accelerator))
        used: dict[str, list[Operator]] = {}
        for network in self.networks.values():
            for layer in network.layers:
                used.setdefault(layer.problem.operator.name, []).append(layer.problem.operator)
        texts = {name: operator_text(found) for name, found in used.items()}
        yield from (o.decl for name, o in self.operators.items() if name not in texts)
        yield from (x.decl for x in texts.values())
        arguments = {operator: given for x in texts.values() for operator, given in x.arguments.items()}
        yield from map(accelerator_decl, self.accelerators.values())
        yield from (network_decl(n, arguments) for n in self.networks.values())
        yield from map(mapping_decl, self.mappings.values())
        for study in self.studies.values():
            declared = self.accelerators[study.accelerator.name]
            yield study_decl(study, None if declared == study.accelerator else partial_sums(study.accelerator))

    def check(self, text: str) -> None:
        """Raises ValueError unless the text makes the parts again."""
        if self.trees:
            return
        path = Path("<python>.qdsl").resolve()
        library, found = Library(), Sink()
        library.texts.unsaved = {path: text}
        model = library.load(path, found).model
        if model is None:
            raise ValueError(f"this cannot be written as a spec:\n{SpecError(found.errors)}\n{text}")
        read = {
            **{("accelerator", a.name): a for a in model.accelerators},
            **{("network", n.name): n for n in model.networks},
            **{("mapping", m.name): m for m in model.mappings},
            **{("study", s.name): _without_texts(s) for s in model.studies},
        }
        wanted = {
            **{("accelerator", a.name): a for a in self.accelerators.values()},
            **{("network", n.name): n for n in self.networks.values()},
            **{("mapping", m.name): m for m in self.mappings.values()},
            **{("study", s.name): _without_texts(s) for s in self.studies.values()},
        }
        for (kind, name), part in wanted.items():
            if read.get((kind, name)) != part:
                raise ValueError(f"{kind} `{name}` cannot be written as a spec: it would be read as another one")


def _keep(parts: dict[str, T], name: str, part: T) -> None:
    if parts.setdefault(name, part) != part:
        raise ValueError(f"there are two different parts `{name}`")


def _without_texts(study: Study) -> Study:
    """The study without the words of its constraints."""
    return replace(study, constraints=tuple(replace(c, text="") for c in study.constraints))
