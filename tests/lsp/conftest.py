"""A spec with every kind of name, and what the server knows about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.lsp.project import Analysis, Project

LIBRARY = """\
operator matmul(gain = 1) {
  dims M, N, K
  weights W
  O[m, n] += I[m, gain*k] * W[k, n]
}
technology round {
  memory store { width 32 bit; energy read 64 pJ, write 64 pJ; source "example" }
}
"""

MAIN = """\
import "library.qdsl"

accelerator tiny {
  param rows = 4 in {2..8}
  word 16 bit
  memory dram { energy from round.store }
  array pe { x 4; y rows; multicast I, W }
  memory pad {
    size 256 word
    keep I, O
    may keep W
    bits O = bits(I) + bits(weights)
    energy read 1 pJ, write 1 pJ
    source "example"
  }
  compute mac { energy 1 pJ * bits(W); source "example" }
}

network two {
  input image: 64
  block pair(x, size) {
    up = matmul(x, N = size)
    down = matmul(up, N = x.channels)
    yield down
  }
  repeat 2 as body = pair(image, size = 32)
  head = matmul(body, N = 10)
  output head
}

constraints flow for tiny {
  spatial pe.x only N
  order pad: N, K
  every matmul { temporal(pad, K) <= 64 }
  for d in M, N { tile(pad, d) <= 32 }
}

mapping by_hand for two.body.1.up onto tiny(rows = 2) {
  bits I = 8, W = 4, O = 8
  bypass pad: W
  dram: for K 16
  pe.x: parallel N 4
  pe.y: parallel N 2
  pad: for N 4, K 4
}

study widths {
  map two onto tiny(rows = 2)
  map matmul as matmul(gain = 1, M = M)
  precision {
    weights in {2..8} per layer
    activations in {4, 8} per layer
    output 8 bit
    layer head: weights = 8
    split body.1.up: 16 at 8 bit, 16 at 4 bit
  }
  constrain with flow
  constrain { if bits(W) <= 4 then keep pad: W }
  minimize energy, weight_memory
  search nsga2(population = 8, generations = 2, seed = 1)
}
"""


@pytest.fixture
def main_file(tmp_path: Path) -> Path:
    (tmp_path / "library.qdsl").write_text(LIBRARY)
    (tmp_path / "main.qdsl").write_text(MAIN)
    return (tmp_path / "main.qdsl").resolve()


@pytest.fixture
def project(main_file: Path) -> Project:
    return Project([main_file.parent])


@pytest.fixture
def analyse(project: Project, main_file: Path) -> Callable[[str], Analysis]:
    """Of the main file with a text."""

    def analysed(text: str) -> Analysis:
        found = project.analyse(main_file, {main_file: text})
        assert found is not None
        return found

    return analysed
