"""Sizes of an operator's dimensions from the shapes of what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qdsl.diagnostics import Span
from qdsl.model.findings import fail, quoted
from qdsl.model.network import Activation
from qdsl.model.operator import Axis, Operator, Problem, Tensor, Term

Padding = tuple[tuple[str, int], ...]
COUNT_LIMIT = 2**62  # counts stay within 64-bit integers


@dataclass(frozen=True, slots=True)
class _Known:
    """A size and the words that say where it comes from."""

    size: int
    origin: str


def derive_problem(
    operator: Operator,
    given: Mapping[str, int],
    reads: Sequence[tuple[Tensor, Activation]],
    padding: Padding,
    span: Span,
) -> Problem:
    """The operator with its sizes, from sizes given by name and from the shapes of the activations that are read.

    padding: zeros on each side of the axes along which these dimensions slide.

    An axis with the one term c*d and extent n gives d = (n-1)//c + 1. An axis with several terms gives its one unknown
    dimension d = (n + 2*pad - 1 - sum c_i*(e_i-1))//c + 1 over the other terms i.
    Raises SpecError for axes that do not agree, a window larger than what it slides over, sizes left open,
    or more operations than can be counted.
    """
    sizes = {d: _Known(n, "its argument") for d, n in given.items()}
    for tensor, activation in reads:
        _check_rank(operator, tensor, activation, span)
    pending = [(t, a, i) for t, a in reads for i in range(len(t.axes))]
    while ready := [p for p in pending if len(_open(p[0].axes[p[2]], sizes)) <= 1]:
        # Axes with one term settle sizes that the windows of the others need.
        tensor, activation, i = min(ready, key=lambda p: len(p[0].axes[p[2]].terms))
        pending.remove((tensor, activation, i))
        axis = tensor.axes[i]
        unknown = _open(axis, sizes) or [t for t in axis.terms if t.dim in operator.output.dims] or list(axis.terms)
        found = _solve(operator, axis, unknown[0], activation, i, sizes, padding, span)
        known = sizes.setdefault(unknown[0].dim, found)
        if known.size != found.size:
            text = f"`{unknown[0].dim}` of `{operator.name}` cannot be both {known.size} and {found.size}"
            notes = [f"{k.size} by {k.origin}" for k in (known, found)]
            fail("Q0410", text, span, label="sizes do not agree", notes=notes)
    if missing := [d for d in operator.dims if d not in sizes]:
        helps = [f"add {', '.join(f'`{d} = ...`' for d in missing)}"]
        text = f"`{operator.name}` lacks sizes: {quoted(missing)}"
        fail("Q0411", text, span, label="neither given nor derived from its inputs", helps=helps)
    problem = Problem(operator, tuple(sizes[d].size for d in operator.dims))
    largest = max(problem.operations, *(problem.values(t) for t in operator.tensors))
    if largest > COUNT_LIMIT:
        notes = [
            f"its operations or the values of a tensor number {largest:.3g}",
            f"at most {COUNT_LIMIT:.3g} are counted",
        ]
        fail("Q0305", f"`{operator.name}` is too large", span, notes=notes)
    return problem


def shape_text(activation: Activation) -> str:
    return f"`{activation.name}` is {' x '.join(map(str, activation.shape))}, batch first"


def _open(axis: Axis, sizes: Mapping[str, _Known]) -> list[Term]:
    return [t for t in axis.terms if t.dim not in sizes]


def _solve(
    operator: Operator,
    axis: Axis,
    term: Term,
    activation: Activation,
    index: int,
    sizes: Mapping[str, _Known],
    padding: Padding,
    span: Span,
) -> _Known:
    """The size of the term's dimension that the extent of the axis leaves room for."""
    extent = activation.shape[index]
    padded = extent + 2 * dict(padding).get(operator.sliding(axis) or "", 0)
    window = 1 + sum(t.coefficient * (sizes[t.dim].size - 1) for t in axis.terms if t is not term)
    size = (padded - window) // term.coefficient + 1
    if padded < window:
        notes = [
            f"axis {index} of `{activation.name}` has extent {extent}, and {padded} with its padding",
            f"the window over {quoted(t.dim for t in axis.terms if t is not term)} spans {window}",
        ]
        text = f"`{term.dim}` of `{operator.name}` would be less than 1"
        fail("Q0412", text, span, label="the window is larger than its input", notes=notes, helps=["add `pad = ...`"])
    return _Known(size, f"axis {index} of `{activation.name}`, which has extent {extent}")


def _check_rank(operator: Operator, tensor: Tensor, activation: Activation, span: Span) -> None:
    if len(tensor.axes) != len(activation.shape):
        text = f"`{tensor.name}` of `{operator.name}` has {len(tensor.axes)} axes, not {len(activation.shape)}"
        fail("Q0413", text, span, label="wrong number of axes", notes=[shape_text(activation)])
