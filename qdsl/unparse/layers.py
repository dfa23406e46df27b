"""A layer as a call of its operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qdsl.diagnostics import SpecError
from qdsl.model.network import Activation, Layer, Network
from qdsl.model.operator import Operator, Problem
from qdsl.model.shapes import derive_problem
from qdsl.syntax import tree as t
from qdsl.unparse.nodes import NOWHERE, call, number

Reference = Callable[[str], t.Expr]  # what an activation is called where the call stands


@dataclass(frozen=True)
class Calls:
    """arguments: the parameters of every operator of the network."""

    activations: Mapping[str, Activation]
    arguments: Mapping[Operator, Mapping[str, int]]

    @classmethod
    def of(cls, network: Network, arguments: Mapping[Operator, Mapping[str, int]]) -> Calls:
        return cls({a.name: a for a in network.activations}, arguments)

    def call(self, layer: Layer, reference: Reference) -> t.Call:
        """Raises ValueError for an activation that the network does not have."""
        operator = layer.problem.operator
        named: dict[str, int] = dict(self.arguments[operator])
        named.update(self._sizes(layer))
        named.update(_pads(layer))
        read = [reference(activation) for _, activation in layer.inputs]
        return call(operator.name, read, {n: number(v) for n, v in named.items()}, layer.function)

    def _sizes(self, layer: Layer) -> dict[str, int]:
        """Those that do not follow from what the layer reads."""
        problem, operator = layer.problem, layer.problem.operator
        sizes = dict(zip(operator.dims, problem.sizes, strict=True))
        if not layer.inputs:
            return sizes
        missing = [a for _, a in layer.inputs if a not in self.activations]
        if missing:
            raise ValueError(f"layer `{layer.name}` reads `{missing[0]}`, which the network does not have")
        given = {d: sizes[d] for d in operator.dims if not self._follows(d, layer)}
        return given if self._derived(layer, given) == problem else sizes

    def _follows(self, dim: str, layer: Layer) -> bool:
        """Whether an input alone gives the size of a dimension."""
        operator = layer.problem.operator
        axes = [axis for tensor, _ in layer.inputs for axis in operator.tensor(tensor).axes if dim in axis.dims]
        return any(len(axis.terms) == 1 or dim in operator.output.dims for axis in axes)

    def _derived(self, layer: Layer, given: Mapping[str, int]) -> Problem | None:
        operator = layer.problem.operator
        reads = [(operator.tensor(tensor), self.activations[a]) for tensor, a in layer.inputs]
        try:
            return derive_problem(operator, given, reads, layer.padding, NOWHERE)
        except SpecError:
            return None


def _pads(layer: Layer) -> dict[str, int]:
    """`pad` where all windows have the same, `pad_P` for each one otherwise."""
    operator = layer.problem.operator
    reads = [operator.tensor(t) for t, _ in layer.inputs]
    windows = {d for t in reads for a in t.axes if (d := operator.sliding(a))}
    if windows == {d for d, _ in layer.padding} and len({n for _, n in layer.padding}) == 1:
        return {"pad": layer.padding[0][1]}
    return {f"pad_{d}": n for d, n in layer.padding}
