"""What the benchmarks measured last, with the machine on which they did: `results.json`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"


def machine() -> dict[str, Any]:
    """What times depend on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def software() -> dict[str, str]:
    """Versions that times depend on as well."""
    return {"python": platform.python_version(), "numpy": version("numpy")}


def load() -> dict[str, Any]:
    """{"machine": ..., "benchmarks": {name: {"measured": day, ...}}}; empty where nothing was measured."""
    if not RESULTS.exists():
        return {"machine": machine(), "benchmarks": {}}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def save(measured: Mapping[str, Mapping[str, Any]]) -> None:
    """Puts new figures in place of old ones; drops all that another machine measured."""
    known = load()
    if known["machine"] != machine():
        known = {"machine": machine(), "benchmarks": {}}
    when = {"measured": date.today().isoformat(), **software()}
    known["benchmarks"] |= {name: {**when, **figures} for name, figures in measured.items()}
    known["benchmarks"] = dict(sorted(known["benchmarks"].items()))
    RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
