"""Kernels for the mapper: energy of the traffic of one tensor between two neighbouring levels that keep it.

An edge depends on few quantities, each one symbol here; the mapper computes them from its lattice and feeds arrays:

    x_<dim>     extent of a relevant dimension in the child's tile
    sweeps      visits of the child's tile, without the iterations of a sliding loop
    slides      iterations of the sliding loop (1: nothing slides)
    step        extent of the sliding dimension that one iteration covers
    distinct    different child tiles below one parent instance
    fresh       of these, the ones no neighbour had before a moving loop advanced (only where it can; else distinct)
    owned_child, owned_parent   different output values an instance ever holds (outputs only)
    children, parents           used instances
    per_child, per_parent       values per word; where a level packs densely, bits of its words
    bits_child, bits_parent     bits of a value (only there)
    route_pj, forward_pj        energy of a value's way between the parent and the children, and to a neighbour
"""

from __future__ import annotations

from functools import lru_cache

from qdsl.model.accelerator import StorageLevel
from qdsl.model.operator import Tensor
from qdsl.symbolic.codegen import Kernel, compile_kernel
from qdsl.symbolic.nest import slide_overlap, tile_values
from qdsl.symbolic.traffic import Advance, access_energy_pj, input_traffic, output_traffic
from qdsl.symbolic.widths import Packing

_MOVES = ("sweeps", "slides", "step", "distinct", "fresh", "owned_child", "owned_parent")
_UNITS = ("children", "parents", "per_child", "per_parent", "bits_child", "bits_parent", "route_pj", "forward_pj")


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

    Inputs in this order: x_<dim> for the tensor's dimensions, then sweeps, slides, step, distinct, fresh,
    owned_child, owned_parent, children, parents, per_child, per_parent, bits_child, bits_parent, route_pj, forward_pj.
    Output: energy_pj.
    """
    from qdsl.symbolic.symbols import count_symbol

    extents = {d: count_symbol(f"x_{d}") for d in tensor.dims}
    rest = sweeps, slides, step, distinct, fresh, owned_child, owned_parent = [count_symbol(n) for n in _MOVES]
    units = children, parents, per_child, per_parent, bits_child, bits_parent, route_pj, forward_pj = [
        count_symbol(n) for n in _UNITS
    ]
    at_child = Packing(bits_child if child and child.dense else 1, per_child, bits_child)
    at_parent = Packing(bits_parent if parent.dense else 1, per_parent, bits_parent)
    tile = tile_values(tensor, extents)
    if tensor.is_output:
        moved = output_traffic(tile, sweeps * slides, distinct, owned_child if child else 0, owned_parent)
    else:
        overlap = slide_overlap(tensor, slide_dim, extents, step) if slide_dim else 0
        moving = [Advance(1, sweeps, slides, overlap, fresh if forwarding else distinct)] if slide_dim else []
        moved = input_traffic(tile, sweeps * slides, distinct, moving)
    energy_pj = parents * access_energy_pj(parent, at_parent.words(moved.reads), 0, at_parent.words(moved.updates))
    if child is not None:
        energy_pj = energy_pj + children * (
            access_energy_pj(child, 0, at_child.words(moved.fills), 0)
            + access_energy_pj(child, at_child.words(moved.forwards), 0, 0)
        )
    if routed:
        energy_pj = (
            energy_pj + parents * (moved.reads + moved.updates) * route_pj + children * moved.forwards * forward_pj
        )
    name = f"edge_{tensor.name}_{child.name if child else 'compute'}_{parent.name}" + (
        f"_slide_{slide_dim}" if slide_dim else ""
    )
    return compile_kernel(name, [*extents.values(), *rest, *units], {"energy_pj": energy_pj})
