"""Kernels for the mapper: the traffic of one tensor between two neighbouring levels that keep it, its energy and its words.

An edge depends on few quantities, each one symbol here; the mapper computes them from its lattice and feeds arrays:

    x_<dim>     extent of a relevant dimension in the child's tile
    sweeps      visits of the child's tile, without the iterations of a sliding loop
    slides      iterations of the sliding loop (1: nothing slides)
    step        extent of the sliding dimension that one iteration covers
    distinct    different child tiles below one parent instance
    fresh       of these, the ones no neighbour had before a moving loop advanced (only where it can; else distinct)
    owned_child, owned_parent   different output values an instance ever holds (outputs only)
    per_child, per_parent       values per word; where a level packs densely, bits of its words
    bits_child, bits_parent     bits of a value (only there)
    children, parents           used instances
    route_pj, forward_pj        energy of a value's way between the parent and the children, and to a neighbour
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from qdsl.model.accelerator import StorageLevel
from qdsl.model.operator import Tensor
from qdsl.symbolic.codegen import Kernel, compile_kernel
from qdsl.symbolic.nest import slide_overlap, tile_values
from qdsl.symbolic.traffic import Advance, Traffic, access_energy_pj, input_traffic, output_traffic
from qdsl.symbolic.widths import Packing

_MOVES = ("sweeps", "slides", "step", "distinct", "fresh", "owned_child", "owned_parent")
_PACKINGS = ("per_child", "per_parent", "bits_child", "bits_parent")
_ALL = ("children", "parents", "route_pj", "forward_pj")


@lru_cache(maxsize=1024)
def edge_kernel(
    tensor: Tensor,
    child: StorageLevel | None,
    parent: StorageLevel,
    slide_dim: str | None,
    forwarding: bool = False,
    routed: bool = False,
) -> Kernel:
    """Energy in pJ of all instances of both sides. child None: the compute units, whose own energy is not counted here.
    slide_dim: the dimension of the innermost loop if it moves the tile along an axis with several dimensions;
    forwarding: whether neighbours may pass tiles on then; routed: whether moves across arrays cost energy.

    Inputs in this order: x_<dim> for the tensor's dimensions, then sweeps, slides, step, distinct, fresh, owned_child,
    owned_parent, per_child, per_parent, bits_child, bits_parent, children, parents, route_pj, forward_pj.
    Output: energy_pj.
    """
    inputs, moved, words = _counted(tensor, child, parent, slide_dim, forwarding)
    children, parents, route_pj, forward_pj = every = _symbols(_ALL)
    energy_pj = parents * access_energy_pj(parent, words.reads, 0, words.updates)
    if child is not None:
        passed_on = access_energy_pj(child, words.forwards, 0, 0)
        energy_pj = energy_pj + children * (access_energy_pj(child, 0, words.fills, 0) + passed_on)
    if routed:
        energy_pj = (
            energy_pj + parents * (moved.reads + moved.updates) * route_pj + children * moved.forwards * forward_pj
        )
    return compile_kernel(_name("edge", tensor, child, parent, slide_dim), [*inputs, *every], {"energy_pj": energy_pj})


@lru_cache(maxsize=1024)
def words_kernel(
    tensor: Tensor, child: StorageLevel | None, parent: StorageLevel, slide_dim: str | None, forwarding: bool = False
) -> Kernel:
    """Words per instance. Inputs as for `edge_kernel`, without the last four. Outputs: reads and updates at the parent, fills
    and forwards at the child."""
    inputs, _, words = _counted(tensor, child, parent, slide_dim, forwarding)
    outputs = {"reads": words.reads, "updates": words.updates, "fills": words.fills, "forwards": words.forwards}
    return compile_kernel(_name("words", tensor, child, parent, slide_dim), inputs, outputs)


def _counted(
    tensor: Tensor, child: StorageLevel | None, parent: StorageLevel, slide_dim: str | None, forwarding: bool
) -> tuple[list[Any], Traffic, Traffic]:
    """The inputs, and what moves in values and in words."""
    extents = dict(zip(tensor.dims, _symbols(f"x_{d}" for d in tensor.dims), strict=True))
    sweeps, slides, step, distinct, fresh, owned_child, owned_parent = moves = _symbols(_MOVES)
    per_child, per_parent, bits_child, bits_parent = packings = _symbols(_PACKINGS)
    tile = tile_values(tensor, extents)
    if tensor.is_output:
        moved = output_traffic(tile, sweeps * slides, distinct, owned_child if child else 0, owned_parent)
    else:
        overlap = slide_overlap(tensor, slide_dim, extents, step) if slide_dim else 0
        moving = [Advance(1, sweeps, slides, overlap, fresh if forwarding else distinct)] if slide_dim else []
        moved = input_traffic(tile, sweeps * slides, distinct, moving)
    at_child = Packing(bits_child if child and child.dense else 1, per_child, bits_child).words
    at_parent = Packing(bits_parent if parent.dense else 1, per_parent, bits_parent).words
    words = Traffic(at_child(moved.fills), at_child(moved.forwards), at_parent(moved.reads), at_parent(moved.updates))
    return [*extents.values(), *moves, *packings], moved, words


def _symbols(names: Iterable[str]) -> list[Any]:
    from qdsl.symbolic.symbols import count_symbol

    return [count_symbol(n) for n in names]


def _name(kind: str, tensor: Tensor, child: StorageLevel | None, parent: StorageLevel, slide_dim: str | None) -> str:
    slide = f"_slide_{slide_dim}" if slide_dim else ""
    return f"{kind}_{tensor.name}_{child.name if child else 'compute'}_{parent.name}{slide}"
