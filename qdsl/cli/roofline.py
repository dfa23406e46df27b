"""What limits a mapping, as text and as JSON."""

from __future__ import annotations

from typing import Any

from qdsl.cli.tables import columns
from qdsl.symbolic import Roofline


def roofline_line(r: Roofline) -> str:
    """`3,456 cycles, 16 of at most 16 operations per cycle: limited by compute`"""
    if not r.cycles:
        return "0 cycles"
    return (
        f"{r.cycles:,} cycles, {r.attained:.4g} of at most {r.peak:.4g} operations per cycle: limited by {r.limited_by}"
    )


def flows_table(r: Roofline) -> str:
    """What the compute units and every port need: words of one instance, words per cycle, cycles."""
    rows = [
        [
            flow.name,
            f"{flow.words:,}",
            f"{flow.instances:,}",
            f"{flow.words / r.cycles:.3g}" if r.cycles else "",
            f"{flow.bandwidth:g}" if flow.bandwidth else "no limit",
            f"{flow.cycles:,.0f}" if flow.bandwidth else "",
            f"{r.share(flow):.1%}" if flow.bandwidth else "",
            f"{flow.intensity:.4g}" if flow.intensity else "",
        ]
        for flow in r.flows
    ]
    compute = [f"{r.used_units:,} of {r.units:,} compute units", "", "", "", "", f"{r.compute_cycles:,}", "", ""]
    head = ("", "words", "instances", "words/cycle", "at most", "cycles", "used", "operations/word")
    return columns(head, [compute, *rows])


def roofline_json(r: Roofline) -> dict[str, Any]:
    """Words of one instance, rates in words per cycle of one instance."""
    return {
        "limited_by": r.limit if r.port is None else r.port.name,
        "operations_per_cycle": r.attained,
        "peak_operations_per_cycle": r.peak,
        "used_units": r.used_units,
        "units": r.units,
        "useful": r.useful,
        "compute_cycles": r.compute_cycles,
        "flows": [
            {
                "name": flow.name,
                "level": flow.level,
                "direction": flow.direction or "both",
                "words": flow.words,
                "instances": flow.instances,
                "operations_per_word": flow.intensity,
                "bandwidth": flow.bandwidth,
                "cycles": flow.cycles if flow.bandwidth else None,
                "share": r.share(flow) if flow.bandwidth else None,
            }
            for flow in r.flows
        ],
    }
