"""What two versions of a spec mean differently: the declarations, and what follows for a study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qdsl.mapper import best_mapping
from qdsl.model.network import Network
from qdsl.model.study import Model, Study
from qdsl.study.codec import Json, to_json
from qdsl.study.differences import differences
from qdsl.study.keys import canonical
from qdsl.study.saved import Asked, asked_by_study, count_legal

_MOST = 40  # lines of changes
SOLVED = ("energy_pj", "cycles", "legal_mappings")
"""Figures that need the best mapping of a layer, or the number of its mappings."""


@dataclass(frozen=True)
class Figure:
    """One number before and after; None where there is none. layer: '' for that of the whole study."""

    layer: str
    name: str
    old: float | None
    new: float | None

    @property
    def change(self) -> float | None:
        """Relative to the old one; None if there are not both."""
        if self.old is None or self.new is None:
            return None
        if self.old == self.new:
            return 0.0
        return (self.new - self.old) / abs(self.old) if self.old else float("inf")


def changed_meaning(old: Model, new: Model) -> tuple[str, ...]:
    """A line per difference of what is declared. Layout, comments and the words of constraints are no difference."""
    then, now = _declared(old), _declared(new)
    found = list(differences(then, now, most=_MOST))
    rules = [{s.name: s.constraints for s in model.studies} for model in (old, new)]
    for name in rules[0].keys() & rules[1].keys():
        found += _changed_rules(name, rules[0][name], rules[1][name])
    return tuple(found)


def compared_figures(old: Study, new: Study, solve: bool = True) -> tuple[Figure, ...]:
    """Figures of the whole study, then those of the layers of which one differs.

    solve: whether the optimum and the number of legal mappings of every layer are among them, at the widest widths that
    each study allows. A question that both ask is answered once.
    """
    questions = [_questions(study) for study in (old, new)]
    known: dict[str, dict[str, float | None]] = {}
    layers: list[dict[str, dict[str, float | None]]] = [{}, {}]
    if solve:
        for side, asked in zip(layers, questions, strict=True):
            for name, (question, bits) in asked.items():
                key = canonical([question.meaning, sorted(bits.items())])
                side[name] = known[key] = known.get(key) or _solved(question, bits)
    totals = [_totals(study, side) for study, side in zip((old, new), layers, strict=True)]
    whole = [Figure("", n, totals[0].get(n), totals[1].get(n)) for n in dict.fromkeys([*totals[0], *totals[1]])]
    single = [
        Figure(name, n, layers[0].get(name, {}).get(n), layers[1].get(name, {}).get(n))
        for name in dict.fromkeys([*layers[0], *layers[1]])
        for n in SOLVED
    ]
    return (*whole, *(f for f in single if f.old != f.new))


def _declared(model: Model) -> Json:
    accelerators = [to_json(a) for a in model.accelerators]
    return {
        "accelerators": accelerators,
        "networks": [_network(n) for n in model.networks],
        "mappings": [{**to_json(m), "accelerator": m.accelerator.name} for m in model.mappings],
        "studies": [_study(s, accelerators) for s in model.studies],
    }


def _network(network: Network) -> Json:
    """Sizes by the names of their dimensions. Shapes of activations follow from the layers."""
    data = to_json(network)
    del data["activations"]
    for layer in data["layers"]:
        layer["problem"]["sizes"] = dict(
            zip(layer["problem"]["operator"]["dims"], layer["problem"]["sizes"], strict=True)
        )
    return data


def _study(study: Study, declared: Sequence[Json]) -> dict[str, Any]:
    """Without what is compared by itself: the network, the constraints, and an accelerator as it is declared."""
    data: dict[str, Any] = to_json(study)
    del data["constraints"], data["hardware"]
    data["network"] = study.network.name
    for variable in data["precision"]["variables"]:
        variable["options"] = ", ".join(map(str, variable["options"]))
    data["configurations"] = [c.text for c in study.hardware]
    if data["accelerator"] in declared:
        data["accelerator"] = study.accelerator.name
    return data


def _changed_rules(study: str, old: Iterable[Any], new: Iterable[Any]) -> Iterator[str]:
    then, now = ({_rule(c): c.text for c in side} for side in (old, new))
    yield from (f"`studies.{study}` no longer asks: {then[c]}" for c in then if c not in now)
    yield from (f"`studies.{study}` asks now: {now[c]}" for c in now if c not in then)


def _rule(constraint: Any) -> str:
    data = {**to_json(constraint), "is": type(constraint).__name__}
    data.pop("text", None)
    return canonical(data)


def _questions(study: Study) -> dict[str, tuple[Asked, dict[str, int]]]:
    widest = study.precision.layer_bits(tuple(v.options[-1] for v in study.precision.variables))
    return {x.name: (asked_by_study(study, x), dict(widest[x.name])) for x in study.network.layers}


def _solved(asked: Asked, bits: Mapping[str, int]) -> dict[str, float | None]:
    """The optimum by itself: layers that `same spatial` ties to others have none."""
    found = None if asked.ties else best_mapping(asked.accelerator, asked.problem, bits, asked.constraints)
    cost = found.evaluation if found else None
    energy, cycles = (cost.energy_pj, cost.cycles) if cost else (None, None)
    return dict(zip(SOLVED, (energy, cycles, count_legal(asked, bits)), strict=True))


def _totals(study: Study, layers: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    """Sums over the layers, None where one is missing."""
    network, accelerator = study.network, study.accelerator
    found: dict[str, float | None] = {
        "operations": sum(x.problem.operations for x in network.layers),
        "weights": sum(x.problem.values(t) for x in network.layers for t in x.problem.operator.weights),
        "capacity_bits": accelerator.capacity_bits,
        "units": accelerator.compute_instances,
        "area_mm2": accelerator.area_mm2,
    }
    for n in SOLVED if layers else ():
        parts = [(layers[x.name][n], x.weight if n != "legal_mappings" else 1) for x in network.layers]
        known = [value * weight for value, weight in parts if value is not None]
        found[n] = sum(known) if len(known) == len(parts) else None
    return {n: value for n, value in found.items() if value is not None}
