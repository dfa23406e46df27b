"""What was asked: the network, the accelerator, the bit-widths on offer, the constraints, the search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qdsl.model.accelerator import FanOut, Port, StorageLevel
from qdsl.model.compute import LayerCost
from qdsl.model.constraint import Constraint
from qdsl.model.network import Network
from qdsl.model.study import Study
from qdsl.model.width_formula import WidthFormula
from qdsl.report.quantities import NARROW, grouped, memory_unit, percent
from qdsl.study.result import StudyRun


@dataclass(frozen=True, slots=True)
class PartRow:
    """A memory, fan-out or the compute units. Texts, empty where a kind of part has no such property."""

    name: str
    kind: str
    size: str
    word: str
    keeps: str
    bandwidth: str
    energy: str
    source: str


@dataclass(frozen=True, slots=True)
class OptionRow:
    """Decisions with the same options. names: of the layers, when they are few enough to read."""

    role: str
    options: str
    count: int
    names: tuple[str, ...]


def network_facts(study: Study) -> tuple[tuple[str, str], ...]:
    network = study.network
    weights = sum(p.values(t) for p in (layer.problem for layer in network.layers) for t in p.operator.weights)
    operations = sum(layer.problem.operations for layer in network.layers)
    distinct = len(network.distinct_problems)
    said = [
        ("layers", f"{len(network.layers)}, of which {distinct} are different"),
        ("operations", grouped(operations)),
        ("weights", grouped(weights)),
    ]
    if groups := _groups_text(network):
        said.append(("split by channels", groups))
    return tuple(said)


def _groups_text(network: Network) -> str:
    """`conv into conv.1 (K 16, 8 bit), conv.2 (K 48, 4 bit)`; '' if no layer is split."""
    texts: dict[str, list[str]] = {}
    for x in network.layers:
        if x.group:
            channels = f"{x.group.dim}{NARROW}{grouped(x.problem.size(x.group.dim))}"
            texts.setdefault(x.group.layer, []).append(f"{x.name} ({channels}, {x.group.bits} bit)")
    return "; ".join(f"{layer} into {', '.join(groups)}" for layer, groups in texts.items())


def machine_facts(study: Study) -> str:
    """Clock and area in a sentence; '' if neither is stated."""
    machine = study.accelerator
    said = []
    if machine.clock_hz is not None:
        said.append(f"Clock {machine.clock_hz / 1e6:.6g} MHz.")
    if machine.area_mm2 is not None:
        said.append(f"Area {_number(machine.area_mm2)} mm² of all instances whose area is stated.")
    return " ".join(said)


def part_rows(run: StudyRun) -> tuple[PartRow, ...]:
    """The accelerator from the outside in, with what an access costs and who says so."""
    accelerator = run.study.accelerator
    sources = {(s.kind, s.name): s for s in run.provenance.energy_sources}
    rows = []
    for part in accelerator.hierarchy:
        if isinstance(part, FanOut):
            source = sources.get(("array", part.name))
            rows.append(_fan_out(part, source.source if source else None))
        else:
            source = sources.get(("memory", part.name))
            rows.append(_memory(part, source.source if source else part.energy.source))
    compute = accelerator.compute
    source = sources.get(("compute", compute.name))
    said = (source.source if source else compute.source) or "not stated"
    instances = f"{grouped(accelerator.compute_instances)} instances"
    if compute.layers:
        alike: dict[str, list[str]] = {}
        for cost in compute.layers:
            alike.setdefault(_layer_cost(cost), []).append(cost.operator)
        energy = "; ".join(f"{', '.join(operators)}: {text}" for text, operators in alike.items())
        energy += f"; {_number(compute.power_pj)}{NARROW}pJ per cycle" if compute.power_pj else ""
    elif isinstance(compute.energy, WidthFormula):
        energy = f"{compute.energy.text} per operation"
    else:
        energy = f"{_number(compute.energy)}{NARROW}pJ per operation"
    if compute.throughput is not None:
        energy += f", {compute.throughput.text} operations per cycle"
    rows.append(PartRow(compute.name, "compute", instances, "", "", "", energy, said))
    return tuple(rows)


def _layer_cost(cost: LayerCost) -> str:
    energy = f", {cost.energy.text} pJ" if cost.energy else ""
    return f"{cost.cycles.text} cycles{energy}"


def option_rows(study: Study) -> tuple[OptionRow, ...]:
    groups: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for variable in study.precision.variables:
        layers = ", ".join(variable.layers[:3]) + (", …" if len(variable.layers) > 3 else "")
        groups.setdefault((variable.role, variable.options), []).append(layers or variable.name)
    rows = [
        OptionRow(role, options_text(options), len(names), tuple(names) if len(names) <= 4 else ())
        for (role, options), names in groups.items()
    ]
    rows.append(OptionRow("network outputs", f"{study.precision.output_bits} bit", len(study.network.outputs), ()))
    return tuple(rows)


def options_text(options: tuple[int, ...]) -> str:
    """`2 to 8 bit`, `4, 6, 8 bit`, `8 bit`."""
    if len(options) > 2 and options == tuple(range(options[0], options[-1] + 1)):
        return f"{options[0]} to {options[-1]} bit"
    return ", ".join(map(str, options)) + " bit"


def constraint_rows(study: Study) -> tuple[tuple[str, str], ...]:
    """(the constraint as written, operators or layers it is for), in the order of the source."""
    return tuple((c.text, _scope(c, study.network)) for c in study.constraints)


def search_facts(run: StudyRun) -> tuple[tuple[str, str], ...]:
    search, counts = run.study.search, run.counts
    minimised = ", ".join(o.replace("_", " ") for o in run.study.objectives)
    asked = (("minimised", minimised), ("mapper", str(run.study.mapper)))
    possible = ("possible designs", _count(counts.designs))
    if search.method == "exact":
        return *asked, ("search", "exact, by dynamic programming along the network"), possible, *_exact_facts(run)
    return (
        *asked,
        ("search", f"NSGA-II, {search.operators} operators, seed {search.seed}"),
        ("population, offspring", f"{search.population}, {search.offspring}"),
        ("generations", f"{max((g.number for g in run.history), default=0)} of {search.generations}"),
        possible,
        ("designs evaluated", grouped(counts.evaluated)),
        *_exact_facts(run),
    )


def _exact_facts(run: StudyRun) -> Iterator[tuple[str, str]]:
    facts = run.exact
    if facts is None:
        return
    yield "designs on the exact front", grouped(facts.points)
    if facts.epsilon:
        text = f"{percent(facts.epsilon)} larger in each objective (noise: in its power)"
        yield "for every design one of them is at most", text
    low, high = facts.hypervolume
    yield "hypervolume of the exact front", f"{low:.4f}" + (f" to {high:.4f}" if high > low else "")
    if run.history:
        least, most = facts.reached(run.history[-1].hypervolume)
        text = percent(least, 2) if most - least < 5e-5 else f"{percent(least)} to {percent(most)}"
        yield "share of it that NSGA-II reached", text


def _memory(level: StorageLevel, source: str | None) -> PartRow:
    sizes = []
    for partition in level.all_partitions:
        bits = partition.size_words * level.word_bits
        whose = f" for {', '.join(sorted(partition.tensors))}" if partition.tensors else ""
        sizes.append(f"{grouped(partition.size_words)} words, {memory_unit(bits, 3).text(bits)}{whose}")
    size = "; ".join(sizes) or "unlimited"
    block = f", {level.block_words} per access" if level.block_words > 1 else ""
    keeps = "all" if level.keep is None else ", ".join(sorted(level.keep)) or ("" if level.optional else "nothing")
    if level.optional:
        keeps += f"{'; ' if keeps else ''}may keep {', '.join(sorted(level.optional))}"
    energy = level.energy
    costs = f"read {_number(energy.read_pj)}, write {_number(energy.write_pj)}"
    if energy.update_pj != energy.write_pj:
        costs += f", update {_number(energy.update_pj)}"
    bandwidth = "; ".join(_port(port) for port in level.all_ports) or "unlimited"
    word = f"{level.word_bits} bit{block}{', dense' if level.dense else ''}"
    if level.leakage_pj:
        costs += f", leakage {_number(level.leakage_pj)} per cycle"
    return PartRow(
        level.name, "memory", size, word, keeps, bandwidth, f"{costs}{NARROW}pJ per access", source or "not stated"
    )


def _port(port: Port) -> str:
    """`read 2, write 1 word/cycle for I`."""
    rates = [f"{verb} {_number(n)}" for verb, n in (("read", port.read), ("write", port.write)) if n is not None]
    return f"{', '.join(rates)} word/cycle" + (f" for {', '.join(sorted(port.tensors))}" if port.tensors else "")


def _fan_out(fan: FanOut, source: str | None) -> PartRow:
    sharing = [
        f"{what} {', '.join(sorted(names)) or 'none'}"
        for what, names in (("multicast", fan.multicast), ("reduce", fan.reduce))
        if names is not None
    ]
    hop = f"{_number(fan.hop_pj_per_bit)}{NARROW}pJ per bit and hop" if fan.hop_pj_per_bit else ""
    return PartRow(
        fan.name,
        "fan-out",
        f"{fan.x} × {fan.y}",
        "",
        "; ".join(sharing),
        "",
        hop,
        (source or "not stated") if hop else "",
    )


def _scope(constraint: Constraint, network: Network) -> str:
    scope = constraint.scope
    if scope.problems is not None:
        first, *others = [x.name for x in network.layers if scope.includes(x.problem)]
        return f"{first} and {len(others)} more" if len(others) > 2 else ", ".join([first, *others])
    return "every layer" if scope.operators is None else ", ".join(sorted(scope.operators))


def _number(value: float) -> str:
    return f"{value:.6g}"


def _count(value: int) -> str:
    return (
        grouped(value) if value < 10**9 else f"{float(value):.2e}" if value < 10**300 else f"10^{len(str(value)) - 1}"
    )
