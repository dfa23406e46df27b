"""The reference cases as qdsl text, so that the whole chain from text to numbers can be compared.

Level and tensor names, and the dimensions of the operators, are those of the cases (schema: tests/reference/README.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[1] / "reference"

_LOOP = re.compile(r"for (\w+) in \[0:(\d+)\)(?: \(Spatial-([XY])\))?")


@dataclass(frozen=True)
class Counts:
    """Of one tensor at one level: words and counts per instance, energy over all instances."""

    words: int
    reads: int
    fills: int
    updates: int
    instances: int
    energy_pj: float


@dataclass(frozen=True)
class Expected:
    """What the reference tool says. error: why it rejected the mapping, None for a legal one (then the rest is set).

    energy_pj is the sum of the exact energies per level and tensor (the tool prints the total with three digits).
    """

    error: str | None
    levels: Mapping[str, Mapping[str, Counts]]
    cycles: int
    operations: int
    compute_energy_pj: float
    energy_pj: float


def load_cases() -> list[dict[str, Any]]:
    """All cases of `model_cases.jsonl`."""
    return _read("model_cases.jsonl")


def load_anchors() -> list[dict[str, Any]]:
    """All results of the reference tool's mapper, `mapper_anchor.jsonl`."""
    return _read("mapper_anchor.jsonl")


def to_source(case: Mapping[str, Any]) -> str:
    """The case as one qdsl file: operator, accelerator, network of one layer, and the mapping with its bit-widths.

    A rejected case gives legal text too: evaluating it must be refused.
    """
    nests: list[str] = []
    for level in reversed(case["arch"]["levels"]):
        for entry in (e for e in case["mapping"] if e["level"] == level["name"] and e["type"] == "temporal"):
            nests += _nest(level["name"], "for", _loops(entry, entry["permutation"]))
        for entry in (e for e in case["mapping"] if e["level"] == level["name"] and e["type"] == "spatial"):
            x, y = entry["permutation"][: entry["split"]], entry["permutation"][entry["split"] :]
            nests += _nest(f"{_array(level['name'])}.x", "parallel", _loops(entry, x))
            nests += _nest(f"{_array(level['name'])}.y", "parallel", _loops(entry, y))
    spatial = {e["level"] for e in case["mapping"] if e["type"] == "spatial" and max(e["factors"].values()) > 1}
    return _file(case["arch"], spatial, case["shape"], case["instance"], case["bits"], nests)


def anchor_to_source(anchor: Mapping[str, Any]) -> str:
    """A result of the reference tool's mapper as one qdsl file, with the mapping that it found."""
    nests: list[str] = []
    spatial: set[str] = set()
    for level, body in _printed_levels(anchor["map"]):
        loops: dict[str, list[tuple[str, int]]] = {"": [], "X": [], "Y": []}
        for dim, factor, axis in _LOOP.findall(body):
            loops[axis].append((dim, int(factor)))
        nests += _nest(level, "for", loops[""])
        for axis in ("X", "Y"):
            nests += _nest(f"{_array(level)}.{axis.lower()}", "parallel", loops[axis])
        if loops["X"] or loops["Y"]:
            spatial.add(level)
    return _file(anchor["arch"], spatial, _shapes()[anchor["kind"]], anchor["instance"], anchor["bits"], nests)


def expected(case: Mapping[str, Any]) -> Expected:
    """The reference tool's numbers of a case, levels outermost first."""
    result = case["result"]
    if "error" in result:
        return Expected(result["error"], {}, 0, 0, 0.0, 0.0)
    levels: dict[str, dict[str, Counts]] = {}
    for level in reversed(case["arch"]["levels"]):
        tensors = result["levels"].get(level["name"], {"tensors": {}})["tensors"]
        levels[level["name"]] = {
            name: Counts(t["words"], t["reads"], t["fills"], t["updates"], t["instances"], t["energy"])
            for name, t in tensors.items()
        }
    compute_pj = result["mac"]["energy"]
    energy_pj = compute_pj + sum(t.energy_pj for tensors in levels.values() for t in tensors.values())
    summary = result["summary"]
    return Expected(None, levels, summary["cycles"], summary["computes"], compute_pj, energy_pj)


def has_spatial_window(case: Mapping[str, Any]) -> bool:
    """Whether a tensor has a sliding window (an axis over two dimensions that both have a size of more than 1) with a
    spatial loop over one of its dimensions, so that tiles of neighbouring instances overlap."""
    spatial = {d for e in case["mapping"] if e["type"] == "spatial" for d, f in e["factors"].items() if f > 1}
    windows = (
        {dim for dim, _ in axis}
        for axes in case["shape"]["tensors"].values()
        for axis in axes
        if not isinstance(axis, str) and all(case["instance"][dim] > 1 for dim, _ in axis)
    )
    return any(spatial & window for window in windows)


def _read(name: str) -> list[dict[str, Any]]:
    with (REFERENCE / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@cache
def _shapes() -> dict[str, Any]:
    """Operators by kind: the anchors name only the kind."""
    return {case["shape"]["kind"]: case["shape"] for case in load_cases()}


def _printed_levels(text: str) -> Iterator[tuple[str, str]]:
    """Name and body of every level of a printed mapping, outermost first."""
    parts = re.split(r"^(\w+) \[.*\]\s*$", text, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def _file(
    arch: Mapping[str, Any],
    spatial: set[str],
    shape: Mapping[str, Any],
    instance: Mapping[str, int],
    bits: Mapping[str, int],
    nests: Sequence[str],
) -> str:
    kind = shape["kind"]
    arguments = ", ".join(f"{name} = {value}" for name, value in instance.items())
    widths = ", ".join(f"{tensor} = {width}" for tensor, width in bits.items())
    lines = [
        *_operator(shape),
        "",
        *_accelerator(arch, spatial),
        "",
        "network reference {",
        f"  layer l = {kind}({arguments})",
        "}",
        "",
        f"mapping written for reference.l onto {arch['name']} {{",
        f"  bits {widths}",
        *nests,
        "}",
    ]
    return "\n".join(lines) + "\n"


def _operator(shape: Mapping[str, Any]) -> list[str]:
    output, inputs = "Outputs", [t for t in shape["tensors"] if t != "Outputs"]
    access = {t: f"{t}[{', '.join(_index(a) for a in axes)}]" for t, axes in shape["tensors"].items()}
    # Convolutions name strides and dilations; the sizes of an instance give their values.
    axes = [a for tensor in shape["tensors"].values() for a in tensor if not isinstance(a, str)]
    coefficients = dict.fromkeys(name for axis in axes for _, name in axis)
    parameters = f"({', '.join(coefficients)})" if coefficients else ""
    return [
        f"operator {shape['kind']}{parameters} {{",
        f"  dims {', '.join(shape['dims'])}",
        "  weights Weights",
        f"  {access[output]} += {' * '.join(access[t] for t in inputs)}",
        "}",
    ]


def _index(axis: str | list[list[str]]) -> str:
    if isinstance(axis, str):
        return axis.lower()
    return " + ".join(f"{coefficient}*{dim.lower()}" for dim, coefficient in axis)


def _accelerator(arch: Mapping[str, Any], spatial: set[str]) -> list[str]:
    """Levels outermost first. spatial: levels with a spatial loop, which need an array even for one instance."""
    levels = arch["levels"][::-1]
    inner = [*((x["instances"], x["meshX"]) for x in levels[1:]), (arch["macs"], arch["mac_meshX"])]
    lines = [f"accelerator {arch['name']} {{"]
    for level, (instances, mesh_x) in zip(levels, inner, strict=True):
        lines.append(_memory(level, outermost=level is levels[0]))
        x = mesh_x // level["meshX"]
        y = (instances // mesh_x) // (level["instances"] // level["meshX"])
        if x * y > 1 or level["name"] in spatial:
            lines.append(f"  array {_array(level['name'])} {{ x {x}; y {y}; forward Inputs; pooled }}")
    return [*lines, f"  compute MAC {{ energy {arch['mac']} pJ }}", "}"]


def _memory(level: Mapping[str, Any], *, outermost: bool) -> str:
    if (level["size_words"] is None) != outermost:
        raise ValueError(f"level {level['name']}: the outermost level, and no other, is unlimited")
    parts = [f"word {level['word']} bit", f"width {level['block'] * level['word']} bit"]
    if not outermost:
        parts.append(f"size {level['size_words']} word")
    if "keep" in level:
        parts.append(f"keep {', '.join(level['keep'])}")
    parts.append(f"energy read {level['read']} pJ, write {level['write']} pJ")
    rates = [("read", level.get("rbw")), ("write", level.get("wbw"))]
    if limited := [f"{access} {rate} word/cycle" for access, rate in rates if rate is not None]:
        parts.append(f"bandwidth {', '.join(limited)}")
    return f"  memory {level['name']} {{ {'; '.join(parts)} }}"


def _loops(entry: Mapping[str, Any], permutation: Sequence[str]) -> list[tuple[str, int]]:
    """Loops of more than one iteration, outermost first; the cases list them innermost first."""
    return [(dim, entry["factors"][dim]) for dim in reversed(permutation) if entry["factors"][dim] > 1]


def _array(level: str) -> str:
    """Name of the fan-out directly inside a level."""
    return f"inside_{level}"


def _nest(place: str, kind: str, loops: Sequence[tuple[str, int]]) -> list[str]:
    """The statement with the loops of a place, outermost first; none without loops."""
    return [f"  {place}: {kind} {', '.join(f'{dim} {factor}' for dim, factor in loops)}"] if loops else []
