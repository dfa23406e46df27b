"""Formulas over the tiles of one level, for many tiles at once: the arrays say for each whether all formulas are true."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from qdsl.mapspace.formula import UNDEFINED, Atom
from qdsl.mapspace.occupancy import Words, share_taken
from qdsl.model.accelerator import StorageLevel
from qdsl.model.constraint import Constant, Formula, Occupancy, Operation, TileExtent


def tiles_allowed(formulas: Iterable[Formula], level: StorageLevel, extent: Callable[[str], Any], words: Words) -> Any:
    """Where all formulas hold. extent: dimension -> extents; words: of the tiles that go with them.

    The numbers are those of `formula.value_of`: the same operations in double precision.
    """
    import numpy as np

    def value(atom: Atom) -> Any:
        if isinstance(atom, TileExtent):
            return np.asarray(extent(atom.dim)).astype(float)
        assert isinstance(atom, Occupancy), "the formulas of a level are about its tiles"
        return np.asarray(share_taken(level, atom.tensor, words)).astype(float)

    with np.errstate(all="ignore"):  # what is undefined is no mistake here
        return reduce(np.logical_and, [_value(f, value) == 1 for f in formulas], np.True_)


def _value(formula: Formula, value: Callable[[Atom], Any]) -> Any:
    import numpy as np

    if isinstance(formula, Constant):
        return np.float64(formula.value)
    if not isinstance(formula, Operation):
        assert isinstance(formula, Atom), f"not substituted: {formula}"
        return value(formula)
    operands = [_value(x, value) for x in formula.operands]
    match formula.op:
        case "/":
            return np.where(operands[1] == 0, np.nan, np.divide(*operands))
        case "in":
            return _truth(np.isin(operands[0], operands[1:]), operands)
        case "neg":
            return -operands[0]
        case "not":
            return 1 - operands[0]
    functions: dict[str, Any] = {
        "+": np.add, "-": np.subtract, "*": np.multiply, "max": np.maximum, "min": np.minimum,
        "and": np.minimum, "or": np.maximum,
    }  # fmt: skip
    if formula.op in functions:
        return reduce(functions[formula.op], operands)
    comparisons: dict[str, Any] = {
        "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    }  # fmt: skip
    return _truth(comparisons[formula.op](*operands), operands)


def _truth(compared: Any, operands: list[Any]) -> Any:
    """1 and 0 where numbers compare or not, UNDEFINED where one of them is undefined."""
    import numpy as np

    return np.where(reduce(np.logical_or, map(np.isnan, operands)), UNDEFINED, compared)
