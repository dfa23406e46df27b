"""From a graph of formulas to a function that works through arrays block by block: numpy operations on float64, one a line,
with few registers that are used again, so that everything stays in the cache.

Whole numbers are exact in float64 below 2**53 (see `exactness`). A quotient of two of them is then never rounded up to
a whole number that it does not reach, so ceil(a / b) is exact, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, TypeAlias

from qdsl.symbolic import functions
from qdsl.symbolic.exactness import EXACT
from qdsl.symbolic.products import Factor, Products, shared_products
from qdsl.symbolic.trace import Graph, Node, Operand

# An input or a constant, as text, or the number of the step that computes it.
_Value: TypeAlias = str | int
_Step: TypeAlias = tuple[str, tuple[_Value, ...]]

_DIRECT = {
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "divide": "divide",
    "smaller": "minimum",
    "larger": "maximum",
    "at_most": "less_equal",
    "round_up": "ceil",
}
# Functions of this module, with whole arrays in between: their output is written while operands are still read.
_HELPERS = ("unless", "common_divisor", "distinct_sums")
_NUMPY = ("add", "subtract", "multiply", "divide", "minimum", "maximum", "less_equal", "ceil", "copyto")
_NAMED = ("minimum", "maximum")  # deprecated with the output as third argument without a name


def block_source(name: str, graph: Graph, inputs: Sequence[Node], outputs: Sequence[Node]) -> tuple[str, int]:
    """Text of a function, and the number of registers it needs.

    It is called with sequences of inputs (arrays or numbers), of arrays to write the outputs to, and of arrays as registers,
    all of one length and type float64.
    """
    products = shared_products(graph, graph.needed(outputs))
    steps = _Steps(graph, products, {node.index: f"x{i}" for i, node in enumerate(inputs)})
    values = [steps.value(node) for node in outputs]
    places: dict[_Value, str] = {
        value: f"o{i}" for i, value in reversed(list(enumerate(values))) if isinstance(value, int)
    }
    lines, registers = _lines(steps.steps, places)
    copies = [f"copyto(o{i}, {places.get(v, v)})" for i, v in enumerate(values) if places.get(v) != f"o{i}"]
    head = [
        f"def {name}(x, o, r):",
        *_unpacked("x", len(inputs)),
        *_unpacked("o", len(outputs)),
        *_unpacked("r", registers),
    ]
    return "\n    ".join([*head, *lines, *copies]) + "\n", registers


def block_namespace() -> dict[str, Any]:
    """What a function made by `block_source` calls."""
    import numpy as np

    return {name: getattr(np, name) for name in _NUMPY} | {name: globals()[f"_{name}"] for name in _HELPERS}


def _unpacked(name: str, count: int) -> list[str]:
    return [f"{', '.join(f'{name}{i}' for i in range(count))}, = {name}"] if count else []


class _Steps:
    """Operations of a graph as steps that numpy has, equal ones once, each shortly before it is needed first."""

    def __init__(self, graph: Graph, products: Products, inputs: dict[int, str]) -> None:
        self.steps: list[_Step] = []
        self._graph = graph
        self._products = products
        self._known: dict[int, _Value] = dict(inputs)
        self._numbers: dict[_Step, int] = {}

    def value(self, x: Operand) -> _Value:
        if not isinstance(x, Node):
            return repr(float(x))
        if x.index not in self._known:
            operation = self._graph.operations[x.index]
            if x.index in self._products.factors:
                value = self._product(self._products.factors[x.index])
            else:
                value = self._compute(operation.function, *map(self.value, operation.operands))
            self._known[x.index] = value
        return self._known[x.index]

    def _product(self, factors: Iterable[Factor]) -> _Value:
        return reduce(lambda a, b: self._step("multiply", a, b), map(self._factor, factors))

    def _factor(self, factor: Factor) -> _Value:
        kind, number = factor
        if kind == "pair":
            return self._product(self._products.pairs[number])
        return self.value(self._graph.nodes[number] if kind == "node" else number)

    def _compute(self, function: str, *x: _Value) -> _Value:
        match function:
            case "real":
                return x[0]
            case "ceil_div":
                return self._step("ceil", self._step("divide", *x))
            case "positive_part":
                return self._step("maximum", x[0], "0.0")
            case "if_innermost":  # of the value 1: others are a product with that
                return self._step("less_equal", x[0], "1.0")
            case "revisits":
                # 1 if `inside` is 1, else more than any count
                gate = self._step("subtract", self._step("multiply", x[1], repr(float(EXACT))), repr(float(EXACT - 1)))
                return self._step("minimum", x[0], gate)
        return self._step(_DIRECT.get(function, function), *x)

    def _step(self, function: str, *operands: _Value) -> int:
        step = (function, operands)
        if step not in self._numbers:
            self._numbers[step] = len(self.steps)
            self.steps.append(step)
        return self._numbers[step]


def _lines(steps: Sequence[_Step], places: dict[_Value, str]) -> tuple[list[str], int]:
    """One line a step, and how many registers they need. places: where outputs are written."""
    uses = Counter(x for _, operands in steps for x in operands)
    where: dict[_Value, str] = dict(places)
    free: list[str] = []
    registers = 0
    lines = []
    for i, (function, operands) in enumerate(steps):
        uses.subtract(operands)
        released = [where[x] for x in dict.fromkeys(operands) if x in where and x not in places and not uses[x]]
        if function not in _HELPERS:
            free += released
        if i not in where:
            if not free:
                free.append(f"r{registers}")
                registers += 1
            where[i] = free.pop()
        if function in _HELPERS:
            free += released
        out = f"out={where[i]}" if function in _NAMED else where[i]
        lines.append(f"{function}({', '.join(str(where.get(x, x)) for x in operands)}, {out})")
    return lines, registers


def _unless(condition: Any, value: Any, otherwise: Any, out: Any) -> None:
    import numpy as np

    np.copyto(out, otherwise)
    np.copyto(out, value, where=np.equal(condition, 0))


def _common_divisor(a: Any, b: Any, out: Any) -> None:
    import numpy as np

    out[...] = np.gcd(*(np.asarray(x).astype(np.int64) for x in (a, b)))


def _distinct_sums(*terms_and_out: Any) -> None:
    import numpy as np

    *flat, out = terms_and_out
    if max(np.max(x) for x in flat) >= EXACT:
        raise OverflowError("offsets of tiles are too large for float64")
    whole = [np.asarray(x).astype(np.int64) for x in flat]
    out[...] = functions.distinct_sums(list(zip(whole[::2], whole[1::2], strict=True)))
