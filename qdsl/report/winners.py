"""Which configuration of the hardware is the best at which uniform widths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qdsl.report.figures.heatmap import HeatCell, heatmap
from qdsl.report.figures.svg import Figure
from qdsl.study.result import ConfigurationResult, StudyRun, WidthPair

Cost = Callable[[WidthPair], float | None]


@dataclass(frozen=True, slots=True)
class Winners:
    """what: is least. rows: (width of the weights, the best configuration at every width of the activations)."""

    what: str
    activations: tuple[int, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    picture: Figure


def winners(run: StudyRun) -> tuple[Winners, ...]:
    """By energy, and by latency where it counts; () where there is nothing to compare, or rough levels left only some widths on
    each configuration."""
    if len(run.levels) > 1 or sum(bool(c.pairs) for c in run.configurations) < 2:
        return ()
    costs: dict[str, Cost] = {"energy": lambda pair: pair.energy_pj, "latency": lambda pair: pair.cycles}
    found = (_winners(run.configurations, what, cost) for what, cost in costs.items())
    return tuple(w for w in found if w)


def _winners(configurations: tuple[ConfigurationResult, ...], what: str, cost: Cost) -> Winners | None:
    best: dict[tuple[int, int], tuple[float, int]] = {}
    others: dict[tuple[int, int], list[str]] = {}
    for i, configuration in enumerate(configurations):
        for pair in configuration.pairs:
            value, at = cost(pair), (pair.weights, pair.activations)
            if value is None:
                return None
            others.setdefault(at, []).append(f"{_label(configuration)}: {value:.4g}")
            best[at] = min(best.get(at, (value, i)), (value, i))
    weights, activations = (sorted({at[k] for at in best}) for k in (0, 1))
    top = max(1, len(configurations) - 1)

    def cell(w: int, a: int) -> HeatCell:
        if (w, a) not in best:
            return HeatCell(0.0, "", "not mapped")
        index = best[w, a][1]
        return HeatCell(index / top, _label(configurations[index]), "; ".join(others[w, a]))

    cells = [(f"{w} bit", [cell(w, a) for a in activations]) for w in weights]
    columns = [f"{a} bit" for a in activations]
    label = f"Configuration of the least {what} by bits of weights and activations"
    rows = tuple((w, tuple(c.text for c in row)) for w, (_, row) in zip(weights, cells, strict=True))
    return Winners(what, tuple(activations), rows, heatmap(cells, columns, "weights", "activations", label))


def _label(configuration: ConfigurationResult) -> str:
    return ", ".join(value for _, value in configuration.values)
