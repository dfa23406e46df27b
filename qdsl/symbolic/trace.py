"""Formulas recorded while they run: with nodes of a graph for numbers, the functions of this package leave behind what they
would compute, operation by operation.

Equal operations are one node, and products of whole numbers have all their factors at once. The order of floating-point
operations is kept, so that code generated from the graph rounds as the formula does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias


class Node:
    """A number of a graph. whole: an integer, else a floating-point number."""

    __slots__ = ("graph", "index", "whole")

    def __init__(self, graph: Graph, index: int, whole: bool) -> None:
        self.graph = graph
        self.index = index
        self.whole = whole

    def __add__(self, other: Operand) -> Operand:
        return self.graph.apply("add", self, other)

    def __radd__(self, other: Operand) -> Operand:
        return self.graph.apply("add", other, self)

    def __sub__(self, other: Operand) -> Operand:
        return self.graph.apply("subtract", self, other)

    def __rsub__(self, other: Operand) -> Operand:
        return self.graph.apply("subtract", other, self)

    def __mul__(self, other: Operand) -> Operand:
        return self.graph.apply("multiply", self, other)

    def __rmul__(self, other: Operand) -> Operand:
        return self.graph.apply("multiply", other, self)

    def __truediv__(self, other: Operand) -> Operand:
        return self.graph.apply("divide", self, other)

    def __rtruediv__(self, other: Operand) -> Operand:
        return self.graph.apply("divide", other, self)

    def __bool__(self) -> bool:
        raise TypeError("a recorded number has no value: choose by a function of qdsl.symbolic.functions")


Operand: TypeAlias = Node | int | float


@dataclass(frozen=True, slots=True)
class Operation:
    """function: `add`, `subtract`, `multiply`, `divide`, a function of `functions`, or `symbol` with its name as operand.
    whole: whether it gives an integer."""

    function: str
    operands: tuple[Any, ...]
    whole: bool


class Graph:
    """nodes and their operations by index; the operands of an operation have smaller indices."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.operations: list[Operation] = []
        self._known: dict[tuple[Any, ...], Node] = {}

    def symbol(self, name: str, whole: bool = True) -> Node:
        """An input. One that is whole is at least 1."""
        return self._node("symbol", (name,), whole)

    def apply(self, function: str, *operands: Operand) -> Operand:
        """The result of an operation, of whose operands at least one is a node."""
        whole = function == "round_up" or (function not in ("divide", "real") and all(map(_is_whole, operands)))
        if whole and function in ("add", "subtract"):
            return self._sum(function, *operands)
        if whole and function == "multiply":
            return self._product(operands)
        if function == "if_innermost" and not _is(operands[1], 1):
            return self.apply("if_innermost", operands[0], 1) * operands[1]
        return self._result(function, operands, whole)

    def factors(self, index: int) -> tuple[Operand, ...]:
        """Of a whole product; anything else is its only factor."""
        operation = self.operations[index]
        if operation.whole and operation.function == "multiply":
            return operation.operands
        return (self.nodes[index],)

    def needed(self, outputs: Iterable[Node]) -> list[int]:
        """Indices of all that outputs are computed from, theirs included, in ascending order."""
        left = [node.index for node in outputs]
        met: set[int] = set()
        while left:
            index = left.pop()
            if index not in met:
                met.add(index)
                left += [x.index for x in self.operations[index].operands if isinstance(x, Node)]
        return sorted(met)

    def _sum(self, function: str, a: Operand, b: Operand) -> Operand:
        """Of whole numbers, with one constant, added last: 1 + ((p - 1) + (r - 1)) is (p + r) + -1."""
        if a is b and function == "subtract":
            return 0
        (left, c), (right, d) = self._without_constant(a), self._without_constant(b)
        if (c == 0 or d == 0) and isinstance(left, Node) and isinstance(right, Node):
            return self._node(function, (a, b), True)
        constant = c + d if function == "add" else c - d
        return self._result("add", (self._result(function, (left, right), True), constant), True)

    def _product(self, operands: tuple[Operand, ...]) -> Operand:
        """Of whole numbers, all factors in one operation, the constant last."""
        constant = 1
        factors: list[Node] = []
        for x in operands:
            flat = self.factors(x.index) if isinstance(x, Node) else (x,)
            factors += [y for y in flat if isinstance(y, Node)]
            constant *= prod(int(y) for y in flat if not isinstance(y, Node))
        if constant == 0:
            return 0
        factors.sort(key=lambda node: node.index)
        every = (*factors, *((constant,) if constant != 1 else ()))
        return every[0] if len(every) == 1 else self._node("multiply", every, True)

    def _without_constant(self, x: Operand) -> tuple[Operand, int]:
        """A whole number as a sum of something and a constant."""
        if not isinstance(x, Node):
            return 0, int(x)
        operation = self.operations[x.index]
        last = operation.operands[-1]
        return (operation.operands[0], last) if operation.function == "add" and isinstance(last, int) else (x, 0)

    def _result(self, function: str, operands: tuple[Operand, ...], whole: bool) -> Operand:
        simple = _simplified(function, operands)
        return self._node(function, operands, whole) if simple is None else simple

    def _node(self, function: str, operands: tuple[Any, ...], whole: bool) -> Node:
        if function in ("add", "multiply"):  # in one order, a constant last: both commute, without rounding differently
            operands = tuple(sorted(operands, key=lambda x: x.index if isinstance(x, Node) else len(self.nodes)))
        key = (function, whole, *(("node", x.index) if isinstance(x, Node) else x for x in operands))
        if key not in self._known:
            self._known[key] = Node(self, len(self.nodes), whole)
            self.nodes.append(self._known[key])
            self.operations.append(Operation(function, operands, whole))
        return self._known[key]


def _is_whole(x: Operand) -> bool:
    return x.whole if isinstance(x, Node) else isinstance(x, int)


def _simplified(function: str, operands: tuple[Operand, ...]) -> Operand | None:
    """A result that needs no operation, None if it needs one."""
    a, *others = operands
    b = others[0] if others else None
    match function:
        case "add" if _is(a, 0) or _is(b, 0):
            return b if _is(a, 0) else a
        case "subtract" if _is(b, 0):
            return a
        case "multiply" if _is(a, 0) or _is(b, 0):
            return 0
        case "multiply" if _is(a, 1) or _is(b, 1):
            return b if _is(a, 1) else a
        case "ceil_div" if _is(a, 0) or _is(b, 1):
            return a
        case "common_divisor" if _is(a, 1) or _is(b, 1):
            return 1
        case "revisits" if _is(a, 1) or isinstance(b, int):
            return a if b != 1 else 1
        case "if_innermost" if _is(b, 0) or isinstance(a, int):
            return b if _is(a, 1) else 0
        case "unless" if b is others[1] or isinstance(a, int):
            return b if b is others[1] or a == 0 else others[1]
    return None


def _is(x: Operand | None, number: int) -> bool:
    """Whether an operand is that constant."""
    return not isinstance(x, Node) and x == number
