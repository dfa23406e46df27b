"""The bit-widths a study allows one layer, as a table with a row per width of its activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qdsl.model.network import Layer
from qdsl.model.study import Study

Bits = tuple[tuple[str, int], ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WidthGrid:
    """down: the tensor whose widths are the rows; across: the weights, whose widths are the columns, '' without weights.

    follow: of the other tensors, (name, their width in words: '8', 'as I'). bits: (tensor, width) of all tensors of the
    operator, one entry per cell, row by row; without weights a row has one cell.
    """

    down: str
    across: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    follow: tuple[tuple[str, str], ...]
    bits: tuple[Bits, ...]

    def cells(self, values: Sequence[T]) -> list[tuple[int, tuple[T, ...]]]:
        """(width of a row, its values), for one value per entry of `bits`."""
        n = max(1, len(self.columns))
        return [(width, tuple(values[i * n : (i + 1) * n])) for i, width in enumerate(self.rows)]


def width_grid(study: Study, layer: Layer) -> WidthGrid:
    """Every allowed width of a layer's weights with every one of its first input. Its other activations have the width of
    that input where the study allows it, else the widest that it allows."""
    variables, output_bits = study.precision.variables, study.precision.output_bits
    options = {
        tensor: (output_bits,) if i is None else variables[i].options
        for tensor, i in dict(study.precision.assignment)[layer.name]
    }
    operator = layer.problem.operator
    weights = [t.name for t in operator.weights]
    first = next((t.name for t in operator.inputs if not t.is_weight), operator.output.name)
    others = [t.name for t in operator.tensors if t.name not in weights and t.name != first]
    columns = options[weights[0]] if weights else ()
    bits = []
    for width in options[first]:
        same = {t: width if width in options[t] else options[t][-1] for t in others}
        for weight in columns or (0,):
            chosen = {first: width, **same, **dict.fromkeys(weights, weight)}
            bits.append({t.name: chosen[t.name] for t in operator.tensors})
    follow = tuple((t, _relation(t, first, bits)) for t in others)
    cells = tuple(tuple(b.items()) for b in bits)
    return WidthGrid(first, weights[0] if weights else "", options[first], columns, follow, cells)


def _relation(tensor: str, first: str, rows: Sequence[Mapping[str, int]]) -> str:
    """How the width of a tensor follows that of the first input."""
    pairs = {(bits[first], bits[tensor]) for bits in rows}
    if all(a == b for a, b in pairs):
        return f"as {first}"
    found = sorted({b for _, b in pairs})
    return str(found[0]) if len(found) == 1 else f"as {first} where allowed, else {found[-1]}"
