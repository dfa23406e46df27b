"""What a sweep needs to know of a spatial plan besides its factors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from qdsl.mapper.batch import Batch
from qdsl.mapper.lattice import Pins, plan_domains
from qdsl.mapper.plans import Plan
from qdsl.model.accelerator import FanOut, StorageLevel


def pin_choices(batch: Batch, plan: Plan) -> Iterator[Pins]:
    """Extents to fix before a sweep: inside a fan-out where a tensor's overlap depends on them although its own tile was
    formed at a level further in, whose loops come between, or where the output of one instance comes in pieces."""
    hierarchy = batch.space.accelerator.hierarchy
    pinned: set[tuple[int, str]] = set()
    for t, tensor in enumerate(batch.tensors):
        child = len(hierarchy)
        for parent in batch.keepers[t]:
            for f in range(parent + 1, child):
                part = hierarchy[f]
                level_between = any(isinstance(x, StorageLevel) for x in hierarchy[f + 1 : child])
                if isinstance(part, FanOut) and level_between:
                    for axis in tensor.axes:
                        unrolled = [d for d in axis.dims if plan.fanouts[f].get(d, 1) > 1]
                        if len(unrolled) > 1:
                            pinned.update((f, d) for d in unrolled)
            child = parent
        if tensor.is_output:
            pinned.update(_scattered(batch, plan, t))
    where = sorted(pinned)
    free = plan_domains(batch.space, plan, {}, batch.dims, batch.shared)
    for extents in product(*(free.extents[f + 1][d] for f, d in where)):
        yield dict(zip(where, extents, strict=True))


def _scattered(batch: Batch, plan: Plan, t: int) -> Iterator[tuple[int, str]]:
    """Fan-outs outside a level that keeps the output, with the dimensions unrolled there along an axis that several share:
    which of its values an instance works on depends on how far apart its pieces are."""
    for axis in batch.tensors[t].axes:
        mixed = [d for d in axis.dims if d in batch.dims]
        if len(mixed) > 1:
            for f in range(batch.keepers[t][0]):
                yield from ((f, d) for d in mixed if plan.fanouts[f].get(d, 1) > 1)
