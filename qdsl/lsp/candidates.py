"""The names that can stand at a place, by what is wanted there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TypeVar

from qdsl.lsp.context import Context
from qdsl.lsp.project import Analysis
from qdsl.lsp.symbols import bindings_of, blocks_of, levels_of, parameters_of, tensors_of
from qdsl.model.accuracy import CHOICES, DATA, METHODS
from qdsl.model.check_hardware import LIMITED
from qdsl.model.check_operator import OperatorTemplate
from qdsl.model.check_precision import GRANULARITIES
from qdsl.model.check_search import SEARCH_RANGES
from qdsl.model.check_study import REPORTS
from qdsl.model.graph import CONCAT, FUNCTIONS
from qdsl.model.mapper import MAPPERS
from qdsl.model.network import Network
from qdsl.model.operator import Problem
from qdsl.model.study import OBJECTIVES, SEARCH_OPERATORS, SEARCHES
from qdsl.model.units import UNITS
from qdsl.syntax import tree as t

D = TypeVar("D", bound=t.Declaration)

# Units in which a statement is usually written; all others may follow.
_USUAL_UNITS = {
    "size": ("word", "KiB", "MiB", "bit"),
    "word": ("bit",),
    "width": ("bit",),
    "energy": ("pJ", "pJ/bit", "pJ/word", "nJ"),
    "clock": ("MHz", "GHz"),
    "bandwidth": ("word/cycle", "bit/cycle"),
    "leakage": ("pJ/cycle", "mW", "uW"),
    "power": ("mW", "uW", "pJ/cycle"),
    "area": ("mm2", "um2"),
    "output": ("bit",),
    "split": ("bit",),
    "latency": ("cycle", "ms", "us"),
    "utilization": ("%",),
    "occupancy": ("%",),
}


@dataclass(frozen=True)
class Item:
    """kind: 'keyword', 'unit', 'function', 'constant', 'attribute', 'file', 'directory', or that of a symbol. rank: lower
    ones come first."""

    label: str
    kind: str
    detail: str = ""
    rank: int = 1


Items = Iterator[Item]


@dataclass(frozen=True)
class Candidates:
    """A method for everything that may be wanted. typed: names in the statement that it depends on."""

    analysis: Analysis
    context: Context
    typed: Mapping[str, str] = field(default_factory=dict)

    # --- declarations of files ---------------------------------------------------------------

    def accelerators(self) -> Items:
        return self._declared(t.AcceleratorDecl, "accelerator")

    def networks(self) -> Items:
        return self._declared(t.NetworkDecl, "network")

    def operators(self) -> Items:
        return self._declared(t.OperatorDecl, "operator")

    def technologies(self) -> Items:
        return self._declared(t.TechnologyDecl, "technology")

    def engines(self) -> Items:
        return self._declared(t.EngineDecl, "engine")

    def constraint_sets(self) -> Items:
        return self._declared(t.ConstraintsDecl, "constraint set")

    def _declared(self, kind: type[t.Declaration], what: str) -> Items:
        return (Item(d.name.name, what) for d in self.analysis.visible.all(kind))

    # --- operators ---------------------------------------------------------------------------

    def tensors(self) -> Items:
        """Of the layer that is mapped, or else of all operators."""
        problem = self._problem()
        if problem is None:
            return (Item(x, "tensor") for x in sorted(self.analysis.visible.tensors))
        shapes = ((x.name, problem.shape(x)) for x in problem.operator.tensors)
        return (Item(name, "tensor", " x ".join(map(str, shape))) for name, shape in shapes)

    def dims(self) -> Items:
        """Those of the layer that is mapped with their sizes, or else those of all operators."""
        problem = self._problem()
        if problem is None:
            return (Item(d, "dimension") for d in sorted(self.analysis.visible.dims))
        return (Item(d, "dimension", str(problem.size(d))) for d in problem.operator.dims)

    def output(self) -> Items:
        yield Item("output", "tensor", "whichever a layer puts out")

    def roles(self) -> Items:
        return (Item(role, "tensor", "the widest of their kind") for role in ("weights", "activations", "output"))

    def tensors_of_operator(self) -> Items:
        decl = self._here(t.OperatorDecl, "operator")
        return (Item(x.name, "tensor") for x in (tensors_of(decl) if decl else ()))

    def indices(self) -> Items:
        decl = self._here(t.OperatorDecl, "operator")
        return (Item(d.name.lower(), "dimension") for d in (decl.dims if decl else ()))

    def parameters_of_operator(self) -> Items:
        return self._parameters(self._here(t.OperatorDecl, "operator"))

    # --- technologies and accelerators -------------------------------------------------------

    def entries(self) -> Items:
        decl = self.analysis.visible.get(t.TechnologyDecl, self.typed["technology"])
        return (Item(e.name.name, "entry", e.kind) for e in (decl.entries if decl else ()))

    def parameters(self) -> Items:
        engine = self._here(t.EngineDecl, "engine")
        return self._parameters(engine or self._here(t.AcceleratorDecl, "accelerator"))

    def parameters_of_machine(self) -> Items:
        return self._parameters(self.analysis.visible.get(t.AcceleratorDecl, self.typed["machine"]))

    def width_functions(self) -> Items:
        return (Item(f, "function") for f in ("bits", "max", "min", "floor", "ceil", "log2", "reduction"))

    def memories(self) -> Items:
        return self._places("memory")

    def arrays(self) -> Items:
        return self._places("array")

    def axes(self) -> Items:
        machine, place = self._machine(), self.typed["place"]
        array = levels_of(machine).get(place) if machine else None
        return (Item(axis, "attribute", f"axis of {place}") for axis in ("x", "y") if array and array.kind == "array")

    def units(self) -> Items:
        usual = next((_USUAL_UNITS[w] for w in self.context.statement.split() if w in _USUAL_UNITS), ())
        for unit in dict.fromkeys((*UNITS, *usual)):
            yield Item(unit, "unit", rank=0 if unit in usual else 3)

    def _parameters(self, decl: t.AcceleratorDecl | t.EngineDecl | t.OperatorDecl | t.BlockDecl | None) -> Items:
        return (Item(p, "parameter") for p in (parameters_of(decl) if decl else ()))

    def _places(self, kind: str) -> Items:
        machine = self._machine()
        return (Item(s.name, s.kind) for s in (levels_of(machine).values() if machine else ()) if s.kind == kind)

    # --- networks ----------------------------------------------------------------------------

    def values(self) -> Items:
        """What an expression of a network or block may name."""
        network, block = self._network_here(), self._block_here()
        owner = block or network
        yield from (Item(n, s.kind) for n, s in (bindings_of(owner) if owner else {}).items())
        yield from self._parameters(block)
        yield from (Item(b, "block") for b in (blocks_of(network) if network else ()))
        yield from self.operators()
        yield Item(CONCAT, "function", "activations behind one another along the channels")

    def arguments(self) -> Items:
        """Names of the arguments of a call in a network."""
        network, function = self._network_here(), self.typed["function"]
        block = blocks_of(network).get(function) if network else None
        operator = self.analysis.visible.get(t.OperatorDecl, function)
        names: Iterable[tuple[str, str]] = ((p, "parameter") for p in (parameters_of(block) if block else ()))
        if block is None and operator:
            dims = ((d.name, "dimension") for d in operator.dims)
            pads = OperatorTemplate(operator).pads
            names = (*((p, "parameter") for p in (*parameters_of(operator), *pads)), *dims)
        return (Item(name, kind, f"of {function}", rank=0) for name, kind in names)

    def axes_of_activations(self) -> Items:
        return (Item(axis, "attribute", "of an activation") for axis in ("channels", "height", "width"))

    def activation_functions(self) -> Items:
        return (Item(f, "function", "activation function") for f in FUNCTIONS)

    def layers(self) -> Items:
        """The next part of a layer's name, in the network typed or else that of the study."""
        known = self._network(self.typed.get("network", ""))
        before = self.typed.get("layer", "").replace(".", " ").split()
        names = (x.name.split(".") for x in (known.layers if known else ()))
        parts = (n[len(before)] for n in names if n[: len(before)] == before and len(n) > len(before))
        return (Item(part, "layer") for part in dict.fromkeys(parts))

    # --- constraints and studies -------------------------------------------------------------

    def mapping_functions(self) -> Items:
        functions = ("spatial", "temporal", "tile", "bits", "utilization", "occupancy", "bandwidth", "max", "min")
        return (Item(f, "function") for f in (*functions, "latency", "energy"))

    def objectives(self) -> Items:
        return (Item(x, "constant", "objective") for x in OBJECTIVES)

    def reports(self) -> Items:
        return (Item(x, "constant", "format") for x in REPORTS)

    def mappers(self) -> Items:
        return (Item(x.name, "function", "mapper") for x in MAPPERS)

    def mapper_settings(self) -> Items:
        for mapper in (x for x in MAPPERS if x.name == self.typed["mapper"]):
            for setting in fields(mapper):
                yield Item(setting.name.removesuffix("_s"), "parameter", f"of {mapper.name}")

    def searches(self) -> Items:
        return (Item(x, "function") for x in SEARCHES)

    def search_settings(self) -> Items:
        exact = self.context.statement.startswith("search exact")
        method, settings = ("exact", ("epsilon",)) if exact else ("nsga2", (*SEARCH_RANGES, "operators"))
        return (Item(x, "parameter", f"of {method}") for x in settings)

    def search_operators(self) -> Items:
        return (Item(x, "constant") for x in SEARCH_OPERATORS)

    def limited(self) -> Items:
        return (Item(x, "constant", "what a study can limit") for x in LIMITED)

    def methods(self) -> Items:
        return (Item(x, "function", "accuracy") for x in METHODS)

    def method_settings(self) -> Items:
        return (Item(x, "parameter", f"of {self.typed['method']}") for x in METHODS.get(self.typed["method"], ()))

    def method_words(self) -> Items:
        return (Item(x, "constant") for x in CHOICES.get(self.typed["setting"], ()))

    def data(self) -> Items:
        return (Item(x, "constant", str(kind)) for x, kind in DATA.items())

    def granularity(self) -> Items:
        return (Item(x, "constant") for x in GRANULARITIES)

    # --- where the cursor is -----------------------------------------------------------------

    def _here(self, kind: type[D], keyword: str) -> D | None:
        """The declaration around the cursor."""
        head = self.context.head(keyword)
        return self.analysis.visible.get(kind, head[1]) if len(head) > 1 else None

    def _network_here(self) -> t.NetworkDecl | None:
        return self._here(t.NetworkDecl, "network")

    def _block_here(self) -> t.BlockDecl | None:
        network, head = self._network_here(), self.context.head("block")
        return blocks_of(network).get(head[1]) if network and len(head) > 1 else None

    def _mapped(self) -> t.MapStmt | None:
        """What the study around the cursor maps."""
        study = self._here(t.StudyDecl, "study")
        return next((i for i in study.items if isinstance(i, t.MapStmt)), None) if study else None

    def _machine(self) -> t.AcceleratorDecl | None:
        """The accelerator of the mapping, constraint set or study around the cursor."""
        mapped = self._mapped()
        name = mapped.accelerator.name.name if mapped else ""
        for keyword, before in (("mapping", "onto"), ("constraints", "for")):
            head = self.context.head(keyword)
            name = head[head.index(before) + 1] if before in head[:-1] else name
        return self.analysis.visible.get(t.AcceleratorDecl, name)

    def _network(self, name: str) -> Network | None:
        mapped = self._mapped()
        return self.analysis.names.networks.get(name or (mapped.networks[0].name.name if mapped else ""))

    def _problem(self) -> Problem | None:
        """Of the layer that the mapping around the cursor is for."""
        head = self.context.head("mapping")
        if "for" not in head or "onto" not in head:
            return None
        network, *layer = (w for w in head[head.index("for") + 1 : head.index("onto")] if w != ".")
        known = self._network(network)
        return next((x.problem for x in (known.layers if known else ()) if x.name == ".".join(layer)), None)
