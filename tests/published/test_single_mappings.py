"""Single published evaluations, to the last digit given."""

from __future__ import annotations

import pytest

from qdsl.model.study import WrittenMapping
from qdsl.symbolic import evaluate, legality
from qdsl.symbolic.result import Evaluation
from tests.published.conftest import LoadText


def evaluated(written: WrittenMapping) -> Evaluation:
    bits = dict(written.bits)
    assert legality(written.accelerator, written.layer.problem, bits, written.mapping, None) == []
    return evaluate(written.accelerator, written.layer.problem, bits, written.mapping)


def test_a_pointwise_layer_on_eyeriss_in_full(load_text: LoadText) -> None:
    """Layer 3 of MobileNetV1 (1x1, 32 to 64 channels, 112 x 112), inputs 8, weights 4, outputs 8 bits."""
    model = load_text("""
import "accelerators/eyeriss_2023.qdsl"
import "operators/conv2d.qdsl"
network one { layer l = conv2d(N = 1, K = 64, C = 32, P = 112, Q = 112, R = 1, S = 1) }
mapping published for one.l onto eyeriss_2023 {
  bits I = 8, W = 4, O = 8
  dram: for Q 16
  glb: for P 112
  pe.x: parallel K 2, Q 7
  pe.y: parallel C 8
  weights: for C 4
  psum: for K 32
}
""")
    found = evaluated(model.mappings[0])
    energies = {(x.name, t): round(c.energy_pj, 2) for x in found.levels for t, c in x.tensors}
    assert energies == {
        ("psum", "O"): 7748394.68,
        ("weights", "W"): 4878347.80,
        ("ifmap", "I"): 3130404.37,
        ("glb", "I"): 6858502.25,
        ("glb", "O"): 13798640.84,
        ("dram", "W"): 65536.0,
        ("dram", "I"): 25690112.0,
        ("dram", "O"): 51380224.0,
    }
    assert round(found.compute_energy_pj, 2) == 56527237.94
    assert found.cycles == 229376
    assert found.utilization * 168 == 112
    assert round(found.energy_pj / 1e6, 1) == 170.1


@pytest.mark.parametrize(
    ("bits", "weights", "inputs", "outputs", "energy_pj"),
    [
        ("W = 8, I = 8, O = 8", (144, 9), (144, 36), (128, 144, 16), 316),
        ("W = 4, I = 4, O = 4", (72, 5), (72, 18), (64, 72, 8), 198),
        ("W = 3, I = 8, O = 8", (72, 5), (144, 36), (128, 144, 16), 286),
    ],
)
def test_a_tiny_convolution_at_three_widths(
    load_text: LoadText,
    bits: str,
    weights: tuple[int, int],
    inputs: tuple[int, int],
    outputs: tuple[int, int, int],
    energy_pj: int,
) -> None:
    """6x6 inputs, 3x3 weights, one buffer of 64 words of 8 bits; (reads, words), outputs (reads, updates, words)."""
    model = load_text(f"""
operator conv {{
  dims P, Q, R, S
  weights W
  O[p, q] += I[p + r, q + s] * W[r, s]
}}
accelerator one_buffer {{
  word 8 bit
  memory outside {{ energy read 0 pJ, write 0 pJ; source "not counted" }}
  memory buffer {{ size 64 word; energy read 0.42018 pJ, write 0.42018 pJ; source "published run" }}
  compute mac {{ energy 0.5608 pJ; source "published run" }}
}}
network one {{ layer l = conv(P = 4, Q = 4, R = 3, S = 3) }}
mapping published for one.l onto one_buffer {{
  bits {bits}
  buffer: for S 3, R 3, P 4, Q 4
}}
""")
    found = evaluated(model.mappings[0])
    buffer = found.level("buffer")
    w, i, o = (buffer.tensor(t) for t in "WIO")
    assert (w.reads, w.words) == weights
    assert (i.reads, i.words) == inputs
    assert (o.reads, o.updates, o.words) == outputs
    assert found.cycles == 144
    # the published energy has neither fills from outside nor write-backs to it
    served = (w.reads + i.reads + o.reads + o.updates) * 0.42018 + found.compute_energy_pj
    assert round(served) == energy_pj


@pytest.mark.parametrize(
    ("bits", "first_fills", "registers", "buffer", "dram", "energy_uj"),
    [
        ("I = 8, W = 8, O = 8", True, 452_575_695, 40_977_930, 479_835, 410),
        ("I = 8, W = 8, O = 8", False, 452_285_295, 40_687_530, 479_835, 409),
        ("I = 4, W = 4, O = 4", True, 226_287_848, 20_488_966, 239_918, 234),
        ("I = 4, W = 4, O = 4", False, 226_142_648, 20_343_766, 239_918, 234),
        ("I = 8, W = 3, O = 8", True, 389_326_575, 30_418_986, 462_411, 348),
        ("I = 8, W = 3, O = 8", False, 389_036_175, 30_128_586, 462_411, 347),
    ],
)
def test_a_fixed_mapping_under_both_rules_for_first_fills(
    load_text: LoadText, bits: str, first_fills: bool, registers: int, buffer: int, dram: int, energy_uj: int
) -> None:
    """AlexNet's first layer on three levels and one PE; accesses in words, all tensors."""
    model = load_text(f"""
import "operators/conv2d.qdsl"
accelerator three_levels {{
  word 8 bit
  {"first_output_fills" if first_fills else ""}
  memory dram {{ width 256 bit; energy read 2048 pJ, write 2048 pJ; source "published run" }}
  memory buffer {{ size 1 MiB; width 256 bit; energy read 102.865 pJ, write 96.3011 pJ; source "published run" }}
  memory registers {{ size 1 MiB; energy read 0.42018 pJ, write 0.42018 pJ; source "published run" }}
  compute mac {{ energy 0.5608 pJ; source "published run" }}
}}
network one {{ layer l = conv2d(N = 1, K = 96, C = 3, P = 55, Q = 55, R = 11, S = 11, stride = 4) }}
mapping published for one.l onto three_levels {{
  bits {bits}
  dram: for P 55
  buffer: for Q 11, R 11, C 3, K 96
  registers: for Q 5, S 11
}}
""")
    found = evaluated(model.mappings[0])
    accesses = [sum(c.reads + c.fills + c.updates for _, c in level.tensors) for level in found.levels]
    assert accesses == [dram, buffer, registers]
    assert round(found.energy_pj / 1e6) == energy_uj
