"""Which bit-widths a study may choose, as independent decision variables.

Every activation has one width: the layer that writes it and all layers that read it see the same one. An activation
that no layer with weights reads (only additions or pools do) has the width of what its first reader puts out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qdsl.diagnostics import Span


@dataclass(frozen=True)
class WidthVariable:
    """One decision. role: 'weights' or 'activations'; layers: the layers it serves as weights, or that read it as input.

    options: allowed bit-widths, ascending, at least one.
    """

    name: str  # 'stem.weights', 'stem.activations'
    role: str
    layers: tuple[str, ...]
    options: tuple[int, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class PrecisionSpace:
    """variables: in layer order, activations before weights of a layer. output_bits: width of the network's outputs.

    assignment: for every layer, (tensor name, index into `variables`, or None for the output width).
    """

    variables: tuple[WidthVariable, ...]
    assignment: tuple[tuple[str, tuple[tuple[str, int | None], ...]], ...]
    output_bits: int

    def layer_bits(self, choice: tuple[int, ...]) -> dict[str, dict[str, int]]:
        """Bits per layer and tensor. choice: the bit-width of each variable, in order."""
        return {
            layer: {t: self.output_bits if i is None else choice[i] for t, i in tensors}
            for layer, tensors in self.assignment
        }
