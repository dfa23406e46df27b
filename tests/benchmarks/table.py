"""`python -m tests.benchmarks.table` writes what the benchmarks measured last as tables and pictures: `RESULTS.md` beside this
file with all of it, and the part between two marks of the README."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

from qdsl.report.figures import LogLine, log_lines
from tests.benchmarks import results
from tests.benchmarks.layers import MACHINES, NETWORKS

HERE = Path(__file__).parent
README = HERE.parents[1] / "README.md"
BEGIN, END = "<!-- python -m tests.benchmarks.table -->", "<!-- end of the table -->"
NAMES = {
    "resnet18": "ResNet-18",
    "mobilenet_v1": "MobileNetV1",
    "mobilenet_v2": "MobileNetV2",
    "eyeriss": "Eyeriss",
    "simba": "Simba",
    "three_level": "plain machine",
}
Figures = Mapping[str, Mapping[str, Any]]


def files() -> dict[Path, str]:
    """Every file with its text."""
    known = results.load()
    figures: Figures = known["benchmarks"]
    made = {HERE / "RESULTS.md": "\n".join(_page(known["machine"], figures)) + "\n"}
    made |= {HERE / f"growth_{what}.svg": _growth(figures, what) for what in ("sizes", "levels")}
    text = README.read_text(encoding="utf-8")
    block = "\n".join([BEGIN, *_summary(known["machine"], figures), END])
    made[README] = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: block, text, flags=re.DOTALL)
    return made


# --- the README ---------------------------------------------------------------------------------


def _summary(machine: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    yield f"Processor time of one core of {_machine(machine)}:"
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    for on in MACHINES:
        every = [s for n in NETWORKS for s in _layers(figures, f"test_energy_optimum_of_every_layer[{n}-{on}]")]
        fronts = [s for n in NETWORKS for s in _layers(figures, f"test_front_of_every_layer[{n}-{on}]")]
        if every:
            yield f"| proven energy optimum of each of {len(every)} layers of three networks, {NAMES[on]} | {_spread(every)} |"
        if fronts:
            ratio = sum(fronts) / sum(every)
            yield f"| front of energy and cycles of each of them | {_spread(fronts)}; in all {ratio:.1f} times the optima |"
    one, all_ = (figures.get(f"test_mobilenet_v1_at_width_pairs[{n}]") for n in (1, 49))
    if one and all_:
        seconds = all_["median_s"]
        yield (
            f"| all layers of MobileNetV1 at 49 width pairs, Eyeriss | {seconds:.1f} s, "
            f"{seconds / one['median_s']:.1f} times one pair |"
        )
    if peak := _peak(figures):
        yield f"| peak memory of these | {peak / 2**20:.0f} MiB |"
    if anchors := _anchors(figures):
        gains = [100 * (1 - a["value"] / a["timeloop"]) for a in anchors.values()]
        times = [a["median_s"] for a in anchors.values()]
        yield (
            f"| {len(anchors)} problems searched by Timeloop for 30 s on two threads: optimum below what it found | "
            f"{min(gains):.1f} to {max(gains):.1f} %, in {min(times):.2f} to {max(times):.2f} s |"
        )
    for peer in ("zigzag", "accelforge"):
        if found := _peers(figures, peer):
            times = [f["peer_cpu_s"] / f["median_s"] for f in found.values()]
            above = [100 * (f["peer_energy_pj"] / f["energy_pj"] - 1) for f in found.values() if "peer_energy_pj" in f]
            name = {"zigzag": "ZigZag", "accelforge": "AccelForge"}[peer]
            yield (
                f"| {name} on {len(found)} equal problems | {min(times):,.0f} to {max(times):,.0f} times the time, mappings "
                f"{min(above):.1f} to {max(above):.1f} % above the optimum |"
            )
    yield ""
    yield (
        "[All figures](tests/benchmarks/RESULTS.md), and how times grow with [sizes](tests/benchmarks/growth_sizes.svg) and "
        "[levels](tests/benchmarks/growth_levels.svg)."
    )


# --- all figures --------------------------------------------------------------------------------


def _page(machine: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    yield "# What the benchmarks measured"
    yield ""
    yield "Written by `python -m tests.benchmarks.table` from `results.json`, which `python -m pytest tests/benchmarks"
    yield f"--benchmark-only` leaves, on {_machine(machine)}. Times of the mapper are processor times of one core."
    yield ""
    yield "## Layers of networks"
    yield ""
    yield "Every different layer at its widest bit-widths: 8 bits under the dataflows of Eyeriss and Simba, 16 on the plain"
    yield "machine, without any. The front is that of energy and cycles."
    yield ""
    yield "| network | machine | layers | optimum: median, worst | slowest layer | front: median, worst | points |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for network in NETWORKS:
        for on in MACHINES:
            optimum, front = (
                figures.get(f"{test}[{network}-{on}]")
                for test in ("test_energy_optimum_of_every_layer", "test_front_of_every_layer")
            )
            if optimum:
                per_layer = optimum["per_layer"]
                fronts = f"{_spread(list(front['per_layer'].values()))} | {front['points']}" if front else "|"
                cells = [NAMES[network], NAMES[on], str(len(per_layer)), _spread(list(per_layer.values()))]
                cells += [f"`{max(per_layer, key=per_layer.__getitem__)}`", fronts]
                yield f"| {' | '.join(cells)} |"
    yield from _anchor_table(figures)
    for peer, name in (("zigzag", "ZigZag 3.9"), ("accelforge", "AccelForge 1.0")):
        yield from _peer_table(_peers(figures, peer), name)
    yield ""
    yield "## Growth"
    yield ""
    for what in ("sizes", "levels"):
        yield f"![Time against {what}](growth_{what}.svg)"
        yield ""
    yield "## All benchmarks"
    yield ""
    yield "| benchmark | median | measured | Python | numpy |"
    yield "| --- | --- | --- | --- | --- |"
    for name, found in figures.items():
        yield f"| `{name}` | {_seconds(found['median_s'])} | {found['measured']} | {found['python']} | {found['numpy']} |"


def _anchor_table(figures: Figures) -> Iterator[str]:
    yield ""
    yield "## Beside Timeloop"
    yield ""
    yield "The best mappings that Timeloop's random search found in 30 s on two threads (`tests/reference`), and the optimum in"
    yield "the same model."
    yield ""
    yield "| problem | Timeloop | optimum | below | time |"
    yield "| --- | --- | --- | --- | --- |"
    for name, a in _anchors(figures).items():
        gain = 1 - a["value"] / a["timeloop"]
        yield f"| {name} | {a['timeloop']:.5g} | {a['value']:.5g} | {gain:.2%} | {_seconds(a['median_s'])} |"


def _peer_table(found: Figures, name: str) -> Iterator[str]:
    yield ""
    yield f"## Beside {name}"
    yield ""
    yield "Processor time of one core on the plain machine, 16 bits; energies by the same model, in brackets by its own. No"
    yield "nest: registers that hold one tensor for more turns than the buffer holds another, or tiles that do not fit by our"
    yield "count of their words."
    yield ""
    yield "| problem | qdsl | its time | times | optimum | its mapping | above |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for problem, f in found.items():
        times, its = f["peer_cpu_s"] / f["median_s"], f.get("peer_energy_pj")
        cells = [problem, _seconds(f["median_s"]), _seconds(f["peer_cpu_s"]), f"{times:,.0f}", _uj(f["energy_pj"])]
        cells += [f"{_uj(its) if its else 'no nest'} ({_uj(f['peer_energy_by_its_model_pj'])})"]
        cells += [f"{its / f['energy_pj'] - 1:.1%}" if its else ""]
        yield f"| {' | '.join(cells)} |"


def _growth(figures: Figures, what: str) -> str:
    test = f"test_growth_with_{what}"
    lines = [
        LogLine(_case(name), tuple((x, y) for x, y in found["points"]), dots=True)
        for name, found in figures.items()
        if name.startswith(f"{test}[")
    ]
    title = {"sizes": "times the first sizes", "levels": "memories"}[what]
    label = f"processor time of the exact mapper, seconds, against {title}"
    return log_lines(lines, title, "seconds", label).standalone()


def _layers(figures: Figures, name: str) -> list[float]:
    return list(figures[name]["per_layer"].values()) if name in figures else []


def _anchors(figures: Figures) -> Figures:
    return {_case(name): found for name, found in figures.items() if name.startswith("test_anchors[")}


def _peers(figures: Figures, peer: str) -> Figures:
    return {_case(name): found for name, found in figures.items() if name.startswith(f"test_beside_{peer}[")}


def _peak(figures: Figures) -> float:
    return max((f["peak_bytes"] for name, f in figures.items() if name.startswith("test_peak_memory[")), default=0)


def _case(name: str) -> str:
    return name.partition("[")[2].removesuffix("]")


def _spread(seconds: Sequence[float]) -> str:
    return f"median {_seconds(median(seconds))}, worst {_seconds(max(seconds))}"


def _seconds(s: float) -> str:
    digits = next(d for limit, d in ((0.01, 4), (0.1, 3), (10, 2), (100, 1), (inf, 0)) if s < limit)
    return f"{s:.{digits}f} s"


def _uj(pj: float) -> str:
    return f"{pj / 1e6:.5g} uJ"


def _machine(machine: Mapping[str, Any]) -> str:
    return f"{machine['processor'] or 'an unnamed processor'}, {machine['cores']} cores, {machine['system']}"


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.relative_to(README.parent))
