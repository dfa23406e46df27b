"""A study small enough to be solved in seconds, as text; the optima are found by the real mapper."""

from __future__ import annotations

from pathlib import Path

from qdsl.model import load
from qdsl.model.study import Model

HARDWARE = """
operator linear() {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}

accelerator tiny {
  word 16 bit
  memory dram { energy read 200 pJ, write 200 pJ; source "invented for tests" }
  memory buffer { size 64 word; keep I, O; energy read 6 pJ, write 6 pJ; source "invented for tests" }
  array pe { x 4 }
  memory regs { size 8 word; keep W; energy read 1 pJ, write 1 pJ; source "invented for tests" }
  compute mac { energy 2 pJ; source "invented for tests" }
}
"""

NETWORK = """
network mlp {
  batch 4
  input x: 12
  a = linear(x, N = 8) relu
  b = linear(a, N = 8) relu
  c = linear(b, N = 8)
  output c
}
"""

MAPPING = """
mapping written for mlp.a onto tiny {
  bits W = 8, I = 8, O = 8
  dram: for N 2
  buffer: for M 4, K 12
  pe.x: parallel N 4
}
"""

# Constraints that leave the study without some or all of its widths 2..4, by how.
DEAD = "if bits(W) >= 4 then tile(regs, K) == K and tile(regs, N) == N"
PAIR = "if K == 12 and bits(W) >= 3 then bits(O) <= 3; if K == 8 and bits(O) < 8 then bits(I) >= 4"
CLASH = "if K == 12 then bits(O) <= 3; if K == 8 and bits(O) < 8 then bits(I) >= 4"
HOPELESS = "tile(regs, K) == K; tile(regs, N) == N"


def study_text(
    widths: str = "2..4",
    minimize: str = "energy, noise",
    operators: str = "default",
    constrain: str = "",
    generations: int = 6,
    seed: int = 1,
    mapper: str = "exact",
    search: str = "",
) -> str:
    """A `study` block named `mixed`. constrain: statements of an inline constraint block."""
    search = search or (
        f"nsga2(population = 12, offspring = 12, generations = {generations}, seed = {seed}, operators = {operators})"
    )
    inline = f"constrain {{ {constrain} }}" if constrain else ""
    return f"""
study mixed {{
  map mlp onto tiny
  precision {{
    weights in {{{widths}}} per layer
    activations in {{{widths}}} per layer
    output 8 bit
  }}
  {inline}
  minimize {minimize}
  mapper {mapper}
  search {search}
  report html, markdown
}}
"""


def write_spec(directory: Path, *parts: str, name: str = "small.qdsl") -> Path:
    """A file of the hardware, the network and the given parts."""
    path = directory / name
    path.write_text(HARDWARE + NETWORK + "".join(parts), encoding="utf-8")
    return path


def small_model(directory: Path, *parts: str) -> Model:
    return load(write_spec(directory, *(parts or (study_text(),))))
