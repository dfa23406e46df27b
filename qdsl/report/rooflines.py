"""What limits the speed of the chosen design's layers, as rows and as pictures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from qdsl.report.figures import Figure, RoofMark, roofline_figure
from qdsl.report.quantities import grouped
from qdsl.study.result import LayerDetail, StudyRun
from qdsl.symbolic import Roofline, roofline
from qdsl.symbolic.roofline import Flow


@dataclass(frozen=True, slots=True)
class RoofRow:
    """A layer. attained: operations per cycle; of_peak: share of the peak, 0..1; limited_by: `compute`, `array` or the name of
    a flow; intensity: operations per word of the backing store; used: share of each bandwidth of `Rooflines.ports`, None
    where the layer has no such traffic."""

    name: str
    attained: float
    of_peak: float
    limited_by: str
    intensity: float | None
    used: tuple[float | None, ...]


@dataclass(frozen=True)
class Rooflines:
    """summary: how many layers are limited by what; ports: traffic with a bandwidth, outermost first; unlimited: levels
    without one; store: the outermost level; pictures: (traffic whose words are counted, picture), the outermost first."""

    summary: str
    rows: tuple[RoofRow, ...]
    ports: tuple[str, ...]
    unlimited: tuple[str, ...]
    store: str
    pictures: tuple[tuple[str, Figure], ...]


def rooflines(run: StudyRun) -> Rooflines | None:
    """None if the chosen design's mappings were not recovered, or have no part in the cost of a layer."""
    chosen = run.detail("chosen")
    if chosen is None or run.study.accelerator.compute.layers:
        return None
    found = {d.name: _roofline(run, d) for d in chosen.layers}
    names = list(dict.fromkeys(flow.name for r in found.values() for flow in r.flows))
    flows = {name: [(layer, r, _flow(r, name)) for layer, r in found.items()] for name in names}
    # every layer keeps all tensors in the backing store
    store = next(iter(found.values())).flows[0].level
    bandwidths = {name: next(f.roof for _, _, f in entries if f) for name, entries in flows.items()}
    ports = tuple(name for name in names if bandwidths[name])
    rows = tuple(_row(layer, r, store, ports) for layer, r in found.items())
    peaks = sorted({r.peak for r in found.values()})
    return Rooflines(
        _summary(Counter(row.limited_by for row in rows)),
        rows,
        ports,
        tuple(name for name in names if not bandwidths[name]),
        store,
        tuple((name, _picture(name, flows[name], peaks, bandwidths[name])) for name in names),
    )


def _roofline(run: StudyRun, detail: LayerDetail) -> Roofline:
    problem = run.study.network.layer(detail.name).problem
    return roofline(run.study.accelerator, problem, dict(detail.bits), detail.evaluation)


def _limited_by(r: Roofline) -> str:
    """`compute`, `array`, `glb reads`."""
    return r.port.name if r.port else r.limit


def _flow(r: Roofline, name: str) -> Flow | None:
    return next((flow for flow in r.flows if flow.name == name), None)


def _row(layer: str, r: Roofline, store: str, ports: tuple[str, ...]) -> RoofRow:
    words = sum(flow.words * flow.instances for flow in r.flows if flow.level == store)
    used = (_flow(r, port) for port in ports)
    return RoofRow(
        layer,
        r.attained,
        r.attained / r.peak,
        _limited_by(r),
        r.operations / words if words else None,
        tuple(r.share(flow) if flow else None for flow in used),
    )


def _summary(limited: Counter[str]) -> str:
    """`Limited by compute: 25 layers, by array: 2, by glb reads: 1.`"""
    (first, n), *others = limited.most_common()
    rest = "".join(f", by {name}: {grouped(m)}" for name, m in others)
    return f"Limited by {first}: {grouped(n)} layer{'s' if n > 1 else ''}{rest}."


def _picture(
    name: str, entries: list[tuple[str, Roofline, Flow | None]], peaks: list[float], roof: float | None
) -> Figure:
    marks: dict[tuple[float, float, str], list[str]] = {}
    for layer, r, flow in entries:
        if flow and flow.intensity:
            marks.setdefault((flow.intensity, r.attained, r.limit), []).append(f"{layer}: limited by {_limited_by(r)}")
    points = [RoofMark(x, y, limit, "; ".join(layers)) for (x, y, limit), layers in marks.items()]
    return roofline_figure(points, peaks, roof, name)
