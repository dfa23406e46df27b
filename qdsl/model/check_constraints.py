"""Constraints on mappings: names resolved for one accelerator, formulas typed, scopes of nested blocks combined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from qdsl.diagnostics import Sink, Span
from qdsl.model.accelerator import Accelerator
from qdsl.model.check_mapping import check_place
from qdsl.model.check_operator import OperatorTemplate
from qdsl.model.constraint import Constraint, Only, Operation, Order, Require, Scope
from qdsl.model.findings import collecting, distinct, fail, hand_on, lookup, unknown
from qdsl.model.formulas import Vocabulary, check_formula, tensors_in
from qdsl.model.network import Network
from qdsl.syntax.tree import Constraint as ConstraintNode
from qdsl.syntax.tree import (
    ConstraintsDecl,
    EveryConstraint,
    FormulaConstraint,
    Ident,
    IfConstraint,
    Node,
    OnlyConstraint,
    OrderConstraint,
)

Operators = Mapping[str, OperatorTemplate | None]


@dataclass(frozen=True)
class ConstraintSet:
    """A named set as written; it is resolved again for every study that uses it. operators: what its file can name."""

    decl: ConstraintsDecl
    operators: Operators


def check_set(
    decl: ConstraintsDecl, accelerator: Accelerator | None, operators: Operators, sink: Sink
) -> ConstraintSet | None:
    """Checks a named set on its own; None if it cannot be used. accelerator: None if that was reported as wrong."""
    if accelerator is None:
        return None
    found = Sink()
    resolve(decl.body, accelerator, operators, None, found)
    return ConstraintSet(decl, operators) if hand_on(found, sink) else None


def resolve(
    body: Iterable[ConstraintNode],
    accelerator: Accelerator,
    operators: Operators,
    network: Network | None,
    sink: Sink,
) -> tuple[Constraint, ...]:
    """Checked constraints of a set or block, for the layers of a network (None: for whatever network comes)."""
    resolver = _Resolver(_vocabulary(accelerator, operators, network), operators, network)
    out: list[Constraint] = []
    for node in body:
        out.extend(resolver.resolve(node, Scope(), None, sink))
    return tuple(out)


def _vocabulary(accelerator: Accelerator, operators: Operators, network: Network | None) -> Vocabulary:
    known = [o for o in operators.values() if o]
    layers = network.layers if network else ()
    dims = {d for o in known for d in o.dims} | {d for layer in layers for d in layer.problem.operator.dims}
    tensors = {t for o in known for t in o.tensors}
    tensors |= {t.name for layer in layers for t in layer.problem.operator.tensors}
    return Vocabulary(accelerator, frozenset(dims), frozenset(tensors))


@dataclass(frozen=True)
class _Resolver:
    vocabulary: Vocabulary
    operators: Operators
    network: Network | None

    def resolve(self, node: ConstraintNode, scope: Scope, outer: Node | None, sink: Sink) -> list[Constraint]:
        """outer: the `if` that the constraint stands in, whose text then is the constraint's."""
        with collecting(sink):
            if isinstance(node, EveryConstraint):
                scope = self._every(node, scope)
                return [c for inner in node.body for c in self.resolve(inner, scope, outer, sink)]
            if isinstance(node, IfConstraint):
                condition = check_formula(node.condition, self.vocabulary, condition=True)
                both = Operation("and", (scope.condition, condition)) if scope.condition else condition
                scope = self._with_tensors(replace(scope, condition=both), tensors_in(condition))
                return self.resolve(node.body, scope, outer or node, sink)
            return [self._leaf(node, scope, (outer or node).span)]
        return []

    def _leaf(self, node: OnlyConstraint | OrderConstraint | FormulaConstraint, scope: Scope, span: Span) -> Constraint:
        text = " ".join(span.source.text[span.start : span.end].split())
        accelerator = self.vocabulary.accelerator
        match node:
            case OnlyConstraint():
                place = check_place(node.place, accelerator, node.kind)
                return Only(place, frozenset(self._dims(node.dims)), scope, text, span)
            case OrderConstraint():
                level = check_place(node.level, accelerator, "temporal")
                return Order(level, self._dims(node.dims), node.anchor, scope, text, span)
            case FormulaConstraint():
                formula = check_formula(node.formula, self.vocabulary)
                return Require(formula, self._with_tensors(scope, tensors_in(formula)), text, span)

    def _dims(self, dims: Sequence[Ident]) -> tuple[str, ...]:
        distinct("dimension", dims)
        for dim in dims:
            self.vocabulary.check_dim(dim)
        return tuple(d.name for d in dims)

    def _every(self, node: EveryConstraint, scope: Scope) -> Scope:
        distinct("operator", node.operators)
        for name in node.operators:
            if name.name not in self.operators:
                helps = ["import the file that declares it"]
                unknown("operator", name, self.operators, helps=helps)
            lookup("operator", name, self.operators)
        chosen = frozenset(o.name for o in node.operators)
        if scope.operators is not None and not chosen & scope.operators:
            text = "this `every` holds for no layer"
            fail("Q0706", text, node.span, notes=["the `every` around it names none of these operators"])
        return replace(scope, operators=chosen & scope.operators if scope.operators is not None else chosen)

    def _with_tensors(self, scope: Scope, tensors: frozenset[str]) -> Scope:
        """A constraint on bits(T) is for the layers that have a tensor T."""
        if self.network is None or not tensors:
            return scope
        having = frozenset(
            p.operator.name for p in self.network.distinct_problems if tensors <= {t.name for t in p.operator.tensors}
        )
        if scope.operators is not None:
            having &= scope.operators
        return replace(scope, operators=having)
