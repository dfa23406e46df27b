"""The published runs of 2023 (Klhufek et al., DDECS 2024; repository
honzastor/accelergy-timeloop-infrastructure-quantization-feature) count the first visit of an output tile as a fill and
share inputs only between instances that differ in irrelevant dimensions: the shipped machines with these two switches on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.model import load
from qdsl.model.study import Model
from qdsl.resources import data_dir

LoadText = Callable[[str], Model]


@pytest.fixture(scope="session")
def machines_of_2023(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped specs in which Eyeriss and Simba count as the published runs do."""
    specs = tmp_path_factory.mktemp("published") / "specs"
    shutil.copytree(data_dir("specs"), specs)
    for name in ("eyeriss", "simba"):
        path = specs / "accelerators" / f"{name}.qdsl"
        text = path.read_text(encoding="utf-8")
        text = text.replace("  word 16 bit\n", "  word 16 bit\n  first_output_fills\n", 1)
        text = "\n".join(
            line.replace(" }", "; separate_diagonals }") if line.strip().startswith("array ") else line
            for line in text.splitlines()
        )
        path.write_text(text + "\n", encoding="utf-8")
    return specs


@pytest.fixture
def load_text(machines_of_2023: Path, request: pytest.FixtureRequest) -> LoadText:
    """Loads a text as a file beside the operators, accelerators and constraints."""

    def load_it(text: str) -> Model:
        path = machines_of_2023 / f"{request.node.originalname}.qdsl"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return load_it


def layers_text(shapes: list[tuple[int, int, int, int, int]]) -> str:
    """Network `net` of convolutions. shapes: (C, M, P = Q, R = S, stride); the papers' M is K here."""
    layers = (
        f"  layer l{i} = conv2d(N = 1, K = {m}, C = {c}, P = {p}, Q = {p}, R = {r}, S = {r}, stride = {s})"
        for i, (c, m, p, r, s) in enumerate(shapes, 1)
    )
    return "\n".join(["network net {", *layers, "}"])


def study_text(machine: str) -> str:
    return f"""
study on_{machine} {{
  map net onto {machine}
  precision {{
    weights in {{2..16}} per layer
    activations in {{2..16}} per layer
    output 16 bit
  }}
  constrain with {machine}_dataflow
  minimize energy, weight_memory
  search nsga2(population = 4, generations = 1, seed = 1)
}}
"""
