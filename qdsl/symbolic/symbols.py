"""Sympy forms of the functions of `qdsl.symbolic.functions`, which `notation` writes. Imports sympy."""

from __future__ import annotations

from typing import Any

import sympy


class CeilDiv(sympy.Function):  # type: ignore[misc]
    """ceil(a / b)."""

    nargs = 2
    is_integer = True
    is_nonnegative = True

    @classmethod
    def eval(cls, a: Any, b: Any) -> Any:
        if b == 1 or a == 0:
            return a
        if a.is_Integer and b.is_Integer:
            return sympy.Integer(-(-int(a) // int(b)))
        return None


class Revisits(sympy.Function):  # type: ignore[misc]
    """`factor` if `inside` > 1 else 1."""

    nargs = 2
    is_integer = True
    is_positive = True

    @classmethod
    def eval(cls, factor: Any, inside: Any) -> Any:
        if inside.is_Integer:
            return factor if inside > 1 else sympy.Integer(1)
        return None


class IfInnermost(sympy.Function):  # type: ignore[misc]
    """`value` if `inside` == 1 else 0."""

    nargs = 2
    is_integer = True

    @classmethod
    def eval(cls, inside: Any, value: Any) -> Any:
        if inside.is_Integer or value == 0:
            return value if inside == 1 else sympy.Integer(0)
        return None


class PositivePart(sympy.Function):  # type: ignore[misc]
    """max(a, 0)."""

    nargs = 1
    is_integer = True
    is_nonnegative = True

    @classmethod
    def eval(cls, a: Any) -> Any:
        return sympy.Integer(max(int(a), 0)) if a.is_Integer else None


class DistinctSums(sympy.Function):  # type: ignore[misc]
    """Number of distinct sums of step_i * k_i; arguments step_1, count_1, step_2, count_2, ..."""

    is_integer = True
    is_positive = True

    @classmethod
    def eval(cls, *args: Any) -> Any:
        if all(a.is_Integer for a in args):
            from qdsl.symbolic.functions import distinct_sums

            numbers = [int(a) for a in args]
            return sympy.Integer(distinct_sums(list(zip(numbers[::2], numbers[1::2], strict=True))))
        moving = [x for step, count in zip(args[::2], args[1::2], strict=True) if count != 1 for x in (step, count)]
        if len(moving) < len(args):
            return cls(*moving)
        return args[1] if len(args) == 2 else None


class FreshSums(sympy.Function):  # type: ignore[misc]
    """New ones among the distinct sums after a shift; arguments shift, number of linked terms, step_1, count_1, ..."""

    is_integer = True
    is_nonnegative = True

    @classmethod
    def eval(cls, *args: Any) -> Any:
        if all(a.is_Integer for a in args):
            from qdsl.symbolic.functions import fresh_sums

            shift, linked, *numbers = (int(a) for a in args)
            return sympy.Integer(fresh_sums(shift, linked, list(zip(numbers[::2], numbers[1::2], strict=True))))
        return None


class Unless(sympy.Function):  # type: ignore[misc]
    """`value` where `condition` is 0, else `otherwise`."""

    nargs = 3
    is_integer = True

    @classmethod
    def eval(cls, condition: Any, value: Any, otherwise: Any) -> Any:
        if value == otherwise:
            return value
        if condition.is_Integer:
            return value if condition == 0 else otherwise
        return None


FORMS: dict[str, Any] = {
    "ceil_div": CeilDiv,
    "revisits": Revisits,
    "if_innermost": IfInnermost,
    "positive_part": PositivePart,
    "distinct_sums": DistinctSums,
    "fresh_sums": FreshSums,
    "unless": Unless,
}


def loop_symbol(dim: str, place: str, occurrence: int = 1) -> sympy.Symbol:
    """The factor of a loop over `dim` at a place, a positive integer: `K_glb`, `K_pe_x`; the second one there `K_glb_2`."""
    suffix = f"_{occurrence}" if occurrence > 1 else ""
    return sympy.Symbol(f"{dim}_{place.replace('.', '_')}{suffix}", integer=True, positive=True)


def count_symbol(name: str) -> sympy.Symbol:
    """Any other positive integer."""
    return sympy.Symbol(name, integer=True, positive=True)
