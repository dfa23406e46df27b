"""The attributes of memories and arithmetic units. Those that Timeloop hands to an energy estimator say nothing here, as
energies are given."""

from __future__ import annotations

import re
from collections.abc import Mapping

from qdsl.diagnostics import Diagnostic, Severity, Sink, Span
from qdsl.exchange.timeloop.parts import Energy, Memory, Unit
from qdsl.exchange.yaml import Node, no_meaning, wrong

_MEMORY = re.compile("DRAM|SRAM|regfile|buffer|storage|register", re.IGNORECASE)
_UNIT = re.compile("mac|compute|multiplier|alu", re.IGNORECASE)

_WORD = ("word_bits", "word_width", "datawidth")
_BLOCK = ("block_size", "n_words")
_WIDTH = ("width", "memory_width", "data_storage_width")
_DEPTH = ("depth", "memory_depth", "data_storage_depth")
_ENERGY = ("vector_access_energy",)
_READ = {
    *(*_WORD, *_BLOCK, *_WIDTH, *_DEPTH, *_ENERGY, "cluster_size", "entries", "sizeKB", "instances", "meshX", "meshY"),
    *(
        "read_bandwidth",
        "write_bandwidth",
        "bandwidth",
        "multiple_buffering",
        "min_utilization",
        "global_cycle_seconds",
    ),
    *("energy_per_op",),
}
# Read by energy and area estimators alone.
_ESTIMATED = {
    *("technology", "type", "class", "subclass", "n_banks", "num_banks", "nbanks", "n_ports", "num_ports", "nports"),
    *("n_rd_ports", "n_wr_ports", "n_rdwr_ports", "n_buffets", "update_fifo_depth", "latency", "multiplier_width"),
    *("adder_width", "cluster_area", "storage_area", "area", "global_cycle_seconds", "num_pipeline_stages"),
    *("pipeline_stages", "data_type", "has_power_gating"),
}
# What changes numbers unless it has this value.
_NEUTRAL = {
    "shared_bandwidth": "",
    "network_fill_latency": "0",
    "network_drain_latency": "0",
    "addr_gen_energy": "0",
    "energy_per_hop": "0",
    "router_energy": "0",
    "wire_energy": "0",
    "allow_overbooking": "false",
    "reduction_supported": "true",
}


def is_memory(kind: str) -> bool:
    return _MEMORY.search(kind) is not None


def is_unit(kind: str) -> bool:
    return not is_memory(kind) and _UNIT.search(kind) is not None


def memory(name: str, span: Span, attributes: Mapping[str, Node], sink: Sink) -> Memory:
    """Raises SpecError for values that do not fit together, or that would count and do not exist here."""
    _review(attributes, sink)
    word = _whole(attributes, _WORD, 8)
    block = _block(attributes, word)
    size = _size(attributes, word, block)
    factor = _number(attributes, "multiple_buffering")
    if factor not in (None, 1, 2):
        no_meaning(attributes["multiple_buffering"].span, "buffering other than once or twice")
    half = _number(attributes, "bandwidth")
    energy = _number(attributes, *_ENERGY)
    return Memory(
        name,
        span,
        word,
        block,
        size,
        factor == 2,
        _number(attributes, "read_bandwidth") or (half and half / 2),
        _number(attributes, "write_bandwidth") or (half and half / 2),
        _number(attributes, "min_utilization") or 0.0,
        None if energy is None else Energy(energy, energy, energy, source="vector-access-energy of Timeloop"),
    )


def unit(name: str, span: Span, attributes: Mapping[str, Node], sink: Sink) -> Unit:
    _review(attributes, sink)
    energy = _number(attributes, "energy_per_op")
    return Unit(name, span, None if energy is None else Energy(energy, 0.0, 0.0, source="energy-per-op of Timeloop"))


def left_out(sink: Sink, span: Span, what: str, why: str) -> None:
    sink.add(Diagnostic("Q0982", f"{what} is left out", span, notes=(why,), severity=Severity.WARNING))


def _review(attributes: Mapping[str, Node], sink: Sink) -> None:
    """Every attribute is read, known to be for estimators, known to change nothing, refused, or reported."""
    for name, value in attributes.items():
        if name in _NEUTRAL:
            if not _is(value, _NEUTRAL[name]):
                no_meaning(
                    value.span, f"`{name}`", f"only `{_NEUTRAL[name]}` changes no number" if _NEUTRAL[name] else ""
                )
        elif name not in _READ | _ESTIMATED:
            left_out(sink, value.span, f"attribute `{name}`", "it is not known here to change what Timeloop counts")


def _is(value: Node, neutral: str) -> bool:
    text = (value.text or "").lower()
    try:
        return float(text) == float(neutral)
    except ValueError:
        return text == neutral


def _block(attributes: Mapping[str, Node], word: int) -> int:
    """Words of one access. Without `block_size` those of a row, less what `cluster_size` says are other instances' words."""
    stated, width = next((attributes[n] for n in _BLOCK if n in attributes), None), _first(attributes, _WIDTH)
    if stated is None:
        if width is None:
            return 1
        cluster = attributes["cluster_size"].whole() if "cluster_size" in attributes else 1
        if width.whole() % (word * cluster):
            wrong(width.span, f"a row of {width.text} bits is no whole number of {word}-bit words")
        return width.whole() // (word * cluster)
    if width is not None and width.whole() % (word * stated.whole()):
        wrong(width.span, f"a row of {width.text} bits is no whole number of blocks of {stated.text} {word}-bit words")
    return stated.whole()


def _size(attributes: Mapping[str, Node], word: int, block: int) -> int | None:
    """In words; None where no size is stated."""
    if (entries := attributes.get("entries")) is not None:
        return entries.whole()
    if (depth := _first(attributes, _DEPTH)) is not None:
        return None if (depth.text or "").lower() in ("inf", ".inf") else depth.whole() * block
    kilobytes = attributes.get("sizeKB")
    return None if kilobytes is None else kilobytes.whole() * 1024 * 8 // word


def _first(attributes: Mapping[str, Node], names: tuple[str, ...]) -> Node | None:
    return next((attributes[n] for n in names if n in attributes), None)


def _whole(attributes: Mapping[str, Node], names: tuple[str, ...], default: int) -> int:
    found = _first(attributes, names)
    return default if found is None else found.whole()


def _number(attributes: Mapping[str, Node], *names: str) -> float | None:
    found = _first(attributes, names)
    return None if found is None else found.number()
