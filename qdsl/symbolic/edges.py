"""Kernels for the mapper: energy of the traffic of one tensor between two neighbouring levels that keep it.

An edge depends on few quantities, each one symbol here; the mapper computes them from its lattice and feeds arrays:

    x_<dim>     extent of a relevant dimension in the child's tile
    sweeps      visits of the child's tile, without the iterations of a sliding loop
    slides      iterations of the sliding loop (1: nothing slides)
    step        extent of the sliding dimension that one iteration covers
    distinct    different child tiles below one parent instance
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
from qdsl.symbolic.traffic import access_energy_pj, input_traffic, output_traffic


@lru_cache(maxsize=1024)
def edge_kernel(tensor: Tensor, child: StorageLevel | None, parent: StorageLevel, slide_dim: str | None) -> Kernel:
    """Energy in pJ of all instances of both sides. child None: the compute units, whose own energy is not counted here.

    Inputs in this order: x_<dim> for the tensor's dimensions, then sweeps, slides, step, distinct, owned_child,
    owned_parent, per_child, per_parent, children, parents. Output: energy_pj.
    """
    from qdsl.symbolic.symbols import count_symbol

    extents = {d: count_symbol(f"x_{d}") for d in tensor.dims}
    names = "sweeps slides step distinct owned_child owned_parent per_child per_parent children parents".split()
    sweeps, slides, step, distinct, owned_child, owned_parent, per_child, per_parent, children, parents = rest = [
        count_symbol(n) for n in names
    ]
    tile = tile_values(tensor, extents)
    if tensor.is_output:
        moved = output_traffic(tile, sweeps * slides, distinct, owned_child if child else 0, owned_parent)
    else:
        saved = sweeps * (slides - 1) * slide_overlap(tensor, slide_dim, extents, step) if slide_dim else 0
        moved = input_traffic(tile, sweeps * slides, saved, distinct)
    energy_pj = parents * access_energy_pj(
        parent, ceil_div(moved.reads, per_parent), 0, ceil_div(moved.updates, per_parent)
    )
    if child is not None:
        energy_pj = energy_pj + children * access_energy_pj(child, 0, ceil_div(moved.fills, per_child), 0)
    name = f"edge_{tensor.name}_{child.name if child else 'compute'}_{parent.name}" + (f"_slide_{slide_dim}" if slide_dim else "")
    return compile_kernel(name, [*extents.values(), *rest], {"energy_pj": energy_pj})
