"""What stands at a place of the text: the value of a number or name, the sizes of a layer, the shape of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from qdsl.diagnostics import Span, SpecError
from qdsl.lsp import describe
from qdsl.lsp.project import Analysis
from qdsl.lsp.symbols import LayerNames, Occurrence, Symbol, declared
from qdsl.lsp.walk import all_nodes
from qdsl.model.accelerator import Accelerator, ComputeUnit, FanOut, StorageLevel
from qdsl.model.check_compute import default_engine
from qdsl.model.expressions import Value, evaluate
from qdsl.model.network import Layer
from qdsl.model.study import WrittenMapping
from qdsl.model.units import quantity
from qdsl.syntax import tree as t

D = TypeVar("D", bound=t.Declaration)


@dataclass(frozen=True)
class Hover:
    """text: Markdown. more: makes further text, which may take a second."""

    span: Span
    text: str
    more: Callable[[], str] | None = None


def hover(analysis: Analysis, offset: int) -> Hover | None:
    """None where there is nothing to say."""
    if occurrence := analysis.occurrence(offset):
        lines = [
            f"**{_kind(occurrence.symbol)} `{occurrence.symbol.name}`**",
            *_Describer(analysis, offset).say(occurrence),
        ]
        return Hover(occurrence.span, "\n\n".join(_joined(lines)), _formulas(analysis, offset, occurrence.symbol))
    decl = analysis.declaration(offset)
    numbers = (n for n in all_nodes([decl] if decl else []) if isinstance(n, t.Number) and n.unit)
    number = next((n for n in numbers if n.span.start <= offset <= n.span.end), None)
    return _number(number) if number else None


def _kind(symbol: Symbol) -> str:
    return {"compute": "compute unit"}.get(symbol.kind, symbol.kind)


def _joined(lines: list[str]) -> Iterator[str]:
    """Items of one list stay together."""
    items: list[str] = []
    for line in lines:
        if line.startswith("- "):
            items.append(line)
            continue
        if items:
            yield "\n".join(items)
            items = []
        yield line
    if items:
        yield "\n".join(items)


def _number(node: t.Number) -> Hover | None:
    try:
        q = quantity(node)
    except SpecError:
        return None
    written = f"{node.text} {node.unit}"
    other = "" if str(q) == written else f" = {q}"
    return Hover(node.span, f"`{written}`{other}: {q.dimension}")


@dataclass(frozen=True)
class _Describer:
    analysis: Analysis
    offset: int

    def say(self, occurrence: Occurrence) -> Iterator[str]:
        symbol, names = occurrence.symbol, self.analysis.names
        match symbol.kind:
            case "operator" if operator := names.operators.get(symbol.name):
                yield from describe.operator_text(operator)
            case "accelerator" if machine := names.accelerators.get(symbol.name):
                yield from describe.accelerator_text(machine.default) if machine.default else ()
            case "engine" if (engine := names.engines.get(symbol.name)) and (unit := default_engine(engine)):
                yield from describe.part_text(unit)
            case "network" if network := names.networks.get(symbol.name):
                yield from describe.network_text(network)
            case "mapping" if written := names.mappings.get(symbol.name):
                yield from describe.mapping_text(written)
            case "technology" if technology := names.technologies.get(symbol.name):
                yield ", ".join(f"`{entry}`" for entry in technology.entries)
            case "constraint set" if constraints := names.constraints.get(symbol.name):
                yield describe.statements(constraints.decl)
            case "study" if study := names.studies.get(symbol.name):
                yield from describe.study_text(study)
            case "entry":
                yield from self.entry(symbol)
            case "memory" | "array" | "compute":
                yield from (f"- {line}" for part in self.parts(symbol) for line in describe.part_text(part))
            case "parameter" | "variable":
                yield from self.value(symbol)
            case "layer" | "block" | "activation":
                yield from self.graph(symbol)
            case "tensor":
                yield from self.tensor(symbol.name)
            case "dimension":
                yield from self.dimension(symbol.name)

    def entry(self, symbol: Symbol) -> Iterator[str]:
        owner = self.owner(symbol, t.TechnologyDecl)
        technology = self.analysis.names.technologies.get(owner.name.name) if owner else None
        if technology and (energies := technology.entries.get(symbol.name)):
            yield from describe.energies_text(energies)

    def parts(self, symbol: Symbol) -> Iterator[StorageLevel | FanOut | ComputeUnit]:
        """The memory, array or compute unit, with the parameters that hold at the offset."""
        owner = self.owner(symbol, t.AcceleratorDecl)
        machine = self.machine(owner.name.name) if owner else None
        for part in (*machine.hierarchy, machine.compute) if machine else ():
            if part.name == symbol.name:
                yield part

    def machine(self, name: str) -> Accelerator | None:
        """An accelerator, with the arguments of the mapping or study that the offset lies in."""
        names, decl = self.analysis.names, self.analysis.declaration(self.offset)
        study = names.studies.get(decl.name.name) if isinstance(decl, t.StudyDecl) else None
        used = study or self.written()
        if used and used.accelerator.name == name:
            return used.accelerator
        found = names.accelerators.get(name)
        return found.default if found else None

    def value(self, symbol: Symbol) -> Iterator[str]:
        """A parameter or variable as it is declared, with its value in base units."""
        node = self.declaring(symbol)
        if node is None:
            return
        end = _end(node.values) if isinstance(node, t.ForConstraint) else node.span.end
        yield describe.code(" ".join(node.span.source.text[node.span.start : end].split()))
        owner = self.owner(symbol, t.AcceleratorDecl)
        if owner and isinstance(node, t.ParamDecl) and (found := _values(owner).get(symbol.name)):
            yield f"= {found}"

    def declaring(self, symbol: Symbol) -> t.Parameter | t.ParamDecl | t.ForConstraint | None:
        """The node that declares a parameter or variable."""
        for node in all_nodes(d for f in self.analysis.loaded.files for d in f.tree.declarations):
            if isinstance(node, t.Parameter | t.ParamDecl | t.ForConstraint):
                ident = node.variable if isinstance(node, t.ForConstraint) else node.name
                if declared(symbol.kind, ident) == symbol:
                    return node
        return None

    def graph(self, symbol: Symbol) -> Iterator[str]:
        """The layers that a name makes: one, or those of all instances of a block."""
        decl = self.owner(symbol, t.NetworkDecl)
        network = self.analysis.names.networks.get(decl.name.name) if decl else None
        if decl is None or network is None:
            return
        if activation := next(
            (a for a in network.activations if symbol.kind == "activation" and a.name == symbol.name), None
        ):
            yield f"{' x '.join(map(str, activation.shape))}, batch first"
        names = self.analysis.visible.layers(decl)
        if layers := [x for x in network.layers if symbol in _symbols(x, names)]:
            yield from describe.layers_text(layers)

    def tensor(self, name: str) -> Iterator[str]:
        if written := self.written():
            for tensor in written.layer.problem.operator.tensors:
                if tensor.name == name:
                    shape, bits = describe.tensor_shape(written.layer.problem, tensor), dict(written.bits)[name]
                    yield f"of `{written.layer.name}`: {shape} of {bits} bits"
            return
        for operator in self.analysis.visible.all(t.OperatorDecl):
            for rule in operator.rules:
                for access in (*rule.inputs, rule.output):
                    if access.tensor.name == name:
                        kind = "output" if access is rule.output else "input activation"
                        kind = "weights" if name in [w.name for w in operator.weights] else kind
                        text = access.span.source.text[access.span.start : access.span.end]
                        yield f"- `{text}`, {kind} of `{operator.name.name}`"

    def dimension(self, name: str) -> Iterator[str]:
        if written := self.written():
            yield f"{written.layer.problem.size(name)} in `{written.layer.name}`"
            return
        operators = [o.name.name for o in self.analysis.visible.all(t.OperatorDecl) if name in [d.name for d in o.dims]]
        if operators:
            yield "of " + ", ".join(f"`{o}`" for o in operators)

    def written(self) -> WrittenMapping | None:
        """The mapping that the offset lies in."""
        decl = self.analysis.declaration(self.offset)
        return self.analysis.names.mappings.get(decl.name.name) if isinstance(decl, t.MappingDecl) else None

    def owner(self, symbol: Symbol, kind: type[D]) -> D | None:
        """The declaration that a symbol is declared in."""
        if symbol.place is None:
            return None
        path, offset = symbol.place
        owners = (d for d in self.analysis.visible.all(kind) if d.span.source.path == path)
        return next((d for d in owners if d.span.start <= offset <= d.span.end), None)


def _end(values: tuple[t.Name, ...] | t.ValueSet) -> int:
    return values.span.end if isinstance(values, t.ValueSet) else values[-1].span.end


def _values(decl: t.AcceleratorDecl) -> dict[str, Value | None]:
    """The parameters of an accelerator at their defaults, as far as they are right."""
    found: dict[str, Value | None] = {}
    for item in decl.items:
        if isinstance(item, t.ParamDecl):
            found[item.name.name] = None
            with suppress(SpecError):
                found[item.name.name] = evaluate(item.value, found)
    return found


def _symbols(layer: Layer, names: LayerNames) -> list[Symbol]:
    """What the parts of a layer's name stand for."""
    parts = (t.Ident(span=names.network.span, name=part) for part in layer.name.split("."))
    return [symbol for _, symbol in names.path(parts)]


def _formulas(analysis: Analysis, offset: int, symbol: Symbol) -> Callable[[], str] | None:
    """For a memory: its accesses in the mapping that the offset lies in, or else in the first one onto the accelerator."""
    from qdsl.symbolic.written import mapping_findings

    if symbol.kind != "memory":
        return None
    here = _Describer(analysis, offset).written()
    for written in [here] if here else analysis.names.mappings.values():
        spans = [x.span for x in written.accelerator.levels] if written else []
        its_own = any(s and (s.source.path, s.start) == symbol.place for s in spans)
        if written and its_own and not mapping_findings(written):
            return partial(describe.formulas_text, written, symbol.name)
    return None
