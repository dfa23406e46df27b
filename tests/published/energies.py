"""How sure the energy numbers have to be for the best mappings of MobileNetV1."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

from qdsl.cli.app import main
from qdsl.resources import data_dir
from tests.published.markdown import lines

MACHINES = {"eyeriss": "Eyeriss", "simba": "Simba"}
BY = 50


def section() -> str:
    return f"""## How sure the energies have to be

MobileNetV1 at 8 bits: each energy number alone is changed by {BY} % (`qdsl sensitivity --by {BY}`). How many of the 29 layers
have another best mapping then, and what it would cost to keep all of now; between which factors, from 1/10 to 10,
every layer keeps its own.

{lines(["", "of energy", f"-{BY} %: others, extra", f"+{BY} %: others, extra", "best from", "to"], _rows())}
"""


def _rows() -> Iterator[list[str]]:
    for machine, name in MACHINES.items():
        for number in asked(machine)["numbers"]:
            yield [f"{name}, {number['number']}", *cells(number)]


def asked(machine: str, *options: str) -> dict[str, Any]:
    """What the command says as JSON."""
    spec = str(data_dir("specs") / "studies" / f"mobilenet_v1_{machine}.qdsl")
    said = io.StringIO()
    with redirect_stdout(said):
        assert main(["sensitivity", spec, "--by", str(BY), "--workers", "1", "--format", "json", *options]) == 0
    found: dict[str, Any] = json.loads(said.getvalue())
    return found


def cells(number: dict[str, Any]) -> list[str]:
    pairs = zip(number["layers_with_others"], number["kept_pj"], number["least_pj"], strict=True)
    changes = [f"{others}, {kept / least - 1:.2%}" for others, kept, least in pairs]
    limits = [limit(number[end]) for end in ("best_from", "best_to")]
    return [f"{number['share']:.1%}", *changes, *limits]


def limit(found: dict[str, Any] | None) -> str:
    return f"{found['factor']:.3g} ({found['layer']})" if found else "–"
