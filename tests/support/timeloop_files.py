"""The reference cases as the YAML files that Timeloop reads, written from the cases' own data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import yaml


def write_case(case: Mapping[str, Any], directory: Path) -> list[Path]:
    """Architecture (version 0.3), energies, problem with widths and mapping, one file each."""
    parts = {
        "arch": {"architecture": architecture(case["arch"])},
        "ert": {"ERT": energies(case["arch"])},
        "problem": {"problem": problem(case)},
        "map": {"mapping": [*_kept(case), *_directives(case)]},
    }
    paths = []
    for name, data in parts.items():
        path = directory / f"{name}.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        paths.append(path)
    return paths


def architecture(arch: Mapping[str, Any]) -> dict[str, Any]:
    levels = arch["levels"][::-1]
    local = [_memory(level) for level in levels]
    mac = {"name": "MAC", "class": "intmac", "attributes": {"instances": arch["macs"], "meshX": arch["mac_meshX"]}}
    return {"version": 0.3, "subtree": [{"name": arch["name"], "local": [*local, mac]}]}


def _memory(level: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {
        "word-bits": level["word"],
        "block-size": level["block"],
        "instances": level["instances"],
        "meshX": level["meshX"],
    }
    if level["size_words"] is not None:
        attributes["entries"] = level["size_words"]
    for key, name in (("rbw", "read_bandwidth"), ("wbw", "write_bandwidth")):
        if level.get(key) is not None:
            attributes[name] = level[key]
    kind = "DRAM" if level["size_words"] is None else "smartbuffer_SRAM"
    return {"name": level["name"], "class": kind, "attributes": attributes}


def energies(arch: Mapping[str, Any]) -> dict[str, Any]:
    tables = [
        {
            "name": f"{arch['name']}.{level['name']}[1..{level['instances']}]",
            "actions": [{"name": a, "arguments": {}, "energy": level[a]} for a in ("read", "write")],
        }
        for level in arch["levels"]
    ]
    mac = {"name": f"{arch['name']}.MAC", "actions": [{"name": "compute", "arguments": {}, "energy": arch["mac"]}]}
    return {"version": 0.3, "tables": [*tables, mac]}


def problem(case: Mapping[str, Any]) -> dict[str, Any]:
    shape = case["shape"]
    axes = [a for tensor in shape["tensors"].values() for a in tensor if not isinstance(a, str)]
    coefficients = list(dict.fromkeys(name for axis in axes for _, name in axis))
    spaces = [
        {
            "name": name,
            "projection": [[[a]] if isinstance(a, str) else a for a in axes],
            **({"read-write": True} if name == "Outputs" else {}),
        }
        for name, axes in shape["tensors"].items()
    ]
    return {
        "shape": {
            "name": shape["kind"],
            "dimensions": shape["dims"],
            "coefficients": [{"name": name, "default": 1} for name in coefficients],
            "data-spaces": spaces,
        },
        "instance": {**case["instance"], "bitwidths": case["bits"]},
    }


def _kept(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    tensors = list(case["shape"]["tensors"])
    return [
        {
            "target": level["name"],
            "type": "datatype",
            "keep": [t for t in tensors if t in level.get("keep", tensors)],
            "bypass": [t for t in tensors if t not in level.get("keep", tensors)],
        }
        for level in case["arch"]["levels"]
    ]


def _directives(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "target": entry["level"],
            "type": entry["type"],
            "factors": " ".join(f"{dim}={n}" for dim, n in entry["factors"].items()),
            "permutation": "".join(entry["permutation"]) if _letters(entry["permutation"]) else entry["permutation"],
            **({"split": entry["split"]} if "split" in entry else {}),
        }
        for entry in case["mapping"]
        if entry["type"] == "temporal" or _spreads(case["arch"], entry)
    ]


def _letters(dims: Sequence[str]) -> bool:
    return all(len(d) == 1 for d in dims)


def _spreads(arch: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Spatial loops where the machine has no mesh are left out, if they have one iteration."""
    return prod(entry["factors"].values()) > 1 or any(x["name"] == entry["level"] for x in arch["levels"])
