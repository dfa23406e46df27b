"""What the store knows of a study whose layers are not all solved."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from qdsl.model.operator import Problem
from qdsl.model.study import Study
from qdsl.study.store import Store
from qdsl.study.tables import Bits, store_keys, width_rows


@dataclass(frozen=True)
class SolvedLayer:
    """A distinct layer. layers: all that are alike, in network order. candidates: classes of bit-widths that differ in cost;
    solved: those of them with an answer. least, most: (bits, pJ) of the solved ones that have a legal mapping, None without
    one."""

    layers: tuple[str, ...]
    operator: str
    sizes: tuple[tuple[str, int], ...]
    candidates: int
    solved: int
    least: tuple[Bits, float] | None
    most: tuple[Bits, float] | None


def solved_so_far(study: Study, store: Store) -> tuple[SolvedLayer, ...]:
    """The distinct layers of a study in network order. Raises what `build_tables` raises for widths."""
    rows = {layer.name: width_rows(study, layer) for layer in study.network.layers}
    keys = store_keys(study, rows)
    optima = store.optima(keys.values())
    alike: dict[Problem, list[str]] = {}
    for layer in study.network.layers:
        alike.setdefault(layer.problem, []).append(layer.name)
    found = []
    for problem, names in alike.items():
        bits_of: dict[str, Bits] = {}
        for (asked, bits), key in keys.items():
            if asked == problem:
                bits_of.setdefault(key, bits)
        known = {bits: optima[key].energy_pj for key, bits in bits_of.items() if key in optima}
        legal = sorted(((bits, pj) for bits, pj in known.items() if isfinite(pj)), key=lambda x: x[1])
        sizes = tuple(zip(problem.operator.dims, problem.sizes, strict=True))
        ends = (legal[0], legal[-1]) if legal else (None, None)
        found.append(SolvedLayer(tuple(names), problem.operator.name, sizes, len(bits_of), len(known), *ends))
    return tuple(found)
