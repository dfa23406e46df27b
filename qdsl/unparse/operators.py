"""Operators as declarations. Those of one name that differ in coefficients alone become one with parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qdsl.model.operator import Operator, Tensor
from qdsl.syntax import tree as t
from qdsl.unparse.nodes import NOWHERE, binary, ident, idents, name, number

_ASSIGN = {"sum": "+=", "max": "max=", "none": "="}

# A coefficient by its place: tensor, axis, term.
Place = tuple[int, int, int]


@dataclass(frozen=True)
class OperatorText:
    """arguments: the parameters that make each operator from the declaration."""

    decl: t.OperatorDecl
    arguments: Mapping[Operator, Mapping[str, int]]


def operator_text(operators: Iterable[Operator]) -> OperatorText:
    """The declaration of operators of one name. Raises ValueError if they differ in more than coefficients."""
    variants = list(dict.fromkeys(operators))
    first = variants[0]
    if any(_shape(v) != _shape(first) for v in variants):
        raise ValueError(f"there are two different operators `{first.name}`")
    coefficients = [_coefficients(v) for v in variants]
    parameters: dict[tuple[int, ...], str] = {}
    named: dict[Place, str] = {}
    for place in coefficients[0]:
        values = tuple(c[place] for c in coefficients)
        if len(set(values)) > 1:
            named[place] = parameters.setdefault(values, _parameter(variants, place, values, parameters.values()))
    defaults = {parameter: 1 if 1 in values else values[0] for values, parameter in parameters.items()}
    arguments = {
        variant: {p: values[i] for values, p in parameters.items() if values[i] != defaults[p]}
        for i, variant in enumerate(variants)
    }
    return OperatorText(_decl(first, named, defaults), arguments)


def _shape(operator: Operator) -> object:
    """All but the coefficients."""
    tensors = [
        (x.name, [axis.dims for axis in x.axes], x.is_output, x.is_weight, len(x.axes)) for x in operator.tensors
    ]
    return operator.dims, tensors, operator.reduction


def _coefficients(operator: Operator) -> dict[Place, int]:
    return {
        (i, j, k): term.coefficient
        for i, tensor in enumerate(operator.tensors)
        for j, axis in enumerate(tensor.axes)
        for k, term in enumerate(axis.terms)
    }


def _parameter(variants: Sequence[Operator], place: Place, values: tuple[int, ...], taken: Iterable[str]) -> str:
    """The name of the parameter that had these values, if there was one; else `stride` for a coefficient of a dimension of
    the output, `dilation` for others, numbered if there are several."""
    first, (i, j, k) = variants[0], place
    base = "stride" if first.tensors[i].axes[j].terms[k].dim in first.output.dims else "dilation"
    before = [dict(v.parameters) for v in variants]
    known = [n for n, _ in first.parameters if tuple(b.get(n, 0) for b in before) == values]
    used = {*taken, *first.dims, *(d.lower() for d in first.dims)}
    names = (*known, base, *(f"{base}_{n}" for n in range(2, len(used) + 3)))
    return next(n for n in names if n not in used)


def _decl(operator: Operator, named: Mapping[Place, str], defaults: Mapping[str, int]) -> t.OperatorDecl:
    accesses = [_access(tensor, i, named) for i, tensor in enumerate(operator.tensors)]
    rule = t.Einsum(
        span=NOWHERE,
        output=next(a for a, x in zip(accesses, operator.tensors, strict=True) if x.is_output),
        assign=_ASSIGN[operator.reduction],
        inputs=tuple(a for a, x in zip(accesses, operator.tensors, strict=True) if not x.is_output),
        combine=operator.combine if len(operator.inputs) > 1 else "",
    )
    parameters = (t.Parameter(span=NOWHERE, name=ident(p), default=number(n)) for p, n in defaults.items())
    return t.OperatorDecl(
        span=NOWHERE,
        name=ident(operator.name),
        parameters=tuple(parameters),
        dims=idents(operator.dims),
        weights=idents(x.name for x in operator.weights),
        rules=(rule,),
    )


def _access(tensor: Tensor, i: int, named: Mapping[Place, str]) -> t.TensorAccess:
    indices = []
    for j, axis in enumerate(tensor.axes):
        index: t.Expr | None = None
        for k, term in enumerate(axis.terms):
            dim: t.Expr = name(term.dim.lower())
            if (i, j, k) in named:
                dim = binary("*", name(named[i, j, k]), dim)
            elif term.coefficient != 1:
                dim = binary("*", number(term.coefficient), dim)
            index = dim if index is None else binary("+", index, dim)
        if index is None:
            raise ValueError(f"an axis of tensor `{tensor.name}` has no dimension")
        indices.append(index)
    return t.TensorAccess(span=NOWHERE, tensor=ident(tensor.name), indices=tuple(indices))
