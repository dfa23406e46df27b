"""Kernels for the mapper: energy of the traffic of one tensor between two neighbouring levels that keep it.

An edge depends on few quantities, each one symbol here; the mapper computes them from its lattice and feeds arrays:

    x_<dim>     extent of a relevant dimension in the child's tile
    sweeps      visits of the child's tile, without the iterations of a sliding loop
    slides      iterations of the sliding loop (1: nothing slides)
    step        extent of the sliding dimension that one iteration covers
    distinct    different child tiles below one parent instance
    fresh       of these, the ones no neighbour had before a moving loop advanced (only where it can; else distinct)
    owned_child, owned_parent   different output values an instance ever holds (outputs only)
    per_child, per_parent       values per word
    children, parents           used instances
"""

from __future__ import annotations

from functools import lru_cache

from qdsl.model.accelerator import StorageLevel
from qdsl.model.operator import Tensor
from qdsl.symbolic.codegen import Kernel, compile_kernel
from qdsl.symbolic.functions import ceil_div
from qdsl.symbolic.nest import slide_overlap, tile_values
from qdsl.symbolic.traffic import Advance, access_energy_pj, input_traffic, output_traffic

_MOVES = ("sweeps", "slides", "step", "distinct", "fresh", "owned_child", "owned_parent")
_UNITS = ("per_child", "per_parent", "children", "parents")


@lru_cache(maxsize=1024)
def edge_kernel(
    tensor: Tensor, child: StorageLevel | None, parent: StorageLevel, slide_dim: str | None, forwarding: bool = False
) -> Kernel:
    """Energy in pJ of all instances of both sides. child None: the compute units, whose own energy is not counted here.
    slide_dim: the dimension of the innermost loop if it moves the tile along an axis with several dimensions;
    forwarding: whether neighbours may pass tiles on then.

    Inputs in this order: x_<dim> for the tensor's dimensions, then sweeps, slides, step, distinct, fresh,
    owned_child, owned_parent, per_child, per_parent, children, parents. Output: energy_pj.
    """
    from qdsl.symbolic.symbols import count_symbol

    extents = {d: count_symbol(f"x_{d}") for d in tensor.dims}
    rest = sweeps, slides, step, distinct, fresh, owned_child, owned_parent = [count_symbol(n) for n in _MOVES]
    units = per_child, per_parent, children, parents = [count_symbol(n) for n in _UNITS]
    tile = tile_values(tensor, extents)
    if tensor.is_output:
        moved = output_traffic(tile, sweeps * slides, distinct, owned_child if child else 0, owned_parent)
    else:
        overlap = slide_overlap(tensor, slide_dim, extents, step) if slide_dim else 0
        moving = [Advance(1, sweeps, slides, overlap, fresh if forwarding else distinct)] if slide_dim else []
        moved = input_traffic(tile, sweeps * slides, distinct, moving)
    energy_pj = parents * access_energy_pj(
        parent, ceil_div(moved.reads, per_parent), 0, ceil_div(moved.updates, per_parent)
    )
    if child is not None:
        energy_pj = energy_pj + children * (
            access_energy_pj(child, 0, ceil_div(moved.fills, per_child), 0)
            + access_energy_pj(child, ceil_div(moved.forwards, per_child), 0, 0)
        )
    name = f"edge_{tensor.name}_{child.name if child else 'compute'}_{parent.name}" + (
        f"_slide_{slide_dim}" if slide_dim else ""
    )
    return compile_kernel(name, [*extents.values(), *rest, *units], {"energy_pj": energy_pj})
