"""Specs of ten thousand lines: many declarations of every kind, or a few long networks."""

from __future__ import annotations

_DESIGN = """\
operator conv{i}(stride = 1) {{
  dims N, K, C, P, Q, R, S
  weights W
  O[n, k, p, q] += I[n, c, stride*p + r, stride*q + s] * W[k, c, r, s]
}}

technology node{i} {{
  source "table {i}"
  memory dram {{ width 64 bit; energy read 512 pJ, write 512 pJ }}
  memory sram {{ width 32 bit; energy read 20 pJ, write 2e1 pJ, update 21.5 pJ }}
  compute mac {{ energy 2.2 pJ }}
}}

accelerator machine{i} {{
  param rows = 12 in {{8, 12, 14, 16}}
  param buffer_size = 96 KiB in {{32 KiB .. 256 KiB step 32 KiB}}
  word 16 bit
  clock 200 MHz
  memory dram {{ energy from node{i}.dram }}
  memory buffer {{
    size buffer_size
    keep I, O
    may keep W
    energy from node{i}.sram
    bandwidth read 16 word/cycle, write 16 word/cycle
    leakage 0.4 mW
  }}
  array pe {{
    x 14
    y rows
    multicast I, W
    reduce O
    energy hop 0.05 pJ/bit
    source "estimate"
  }}
  memory pad {{
    size 512 word
    bits O = max(bits(I), bits(W)) + 8
    energy read 1 pJ, write 1 pJ
    source "estimate"
  }}
  compute mac {{ energy if bits(W) <= 4 then 0.4 pJ else 2.2 pJ * bits(W) * bits(I) / 256; source "fit" }}
}}

// A block of three layers, five times.
network net{i} {{
  input image: 3 x 64 x 64
  block pair(x, width, stride = 1) {{
    a = conv{i}(x, K = 2 * width, R = 3, S = 3, stride = stride, pad = 1) relu
    b = conv{i}(a, K = width, R = 1, S = 1)
    yield if stride == 1 and x.channels == width then conv{i}(b, K = width, R = 1, S = 1) else b
  }}
  stem = conv{i}(image, K = 16, R = 3, S = 3, stride = 2, pad = 1) relu6
  p1 = pair(stem, 16)
  p2 = pair(p1, 32, 2)
  repeat 2 as p3 = pair(p2, 64, stride = 2 then 1)
  head = conv{i}(p3, K = 10, R = 1, S = 1)
  output head
}}

mapping by_hand{i} for net{i}.stem onto machine{i} {{
  bits I = 8, W = 8, O = 8
  bypass buffer: W
  dram: for P 8, Q 4
  buffer: for Q 8, K 2
  pe.x: parallel K 8
  pe.y: parallel C 3, P 4
  pad: for R 3, S 3
}}

constraints flow{i} for machine{i} {{
  spatial pe.x only K, Q
  temporal pad only C, R, S
  order buffer: K, P, C
  temporal(buffer, P) * 2 <= tile(buffer, P) or not K >= 64
  utilization(pe) >= 2 %
  if bits(W) <= 4 then spatial(pe.x, K) >= 2
  every conv{i} {{ tile(pad, R) == R }}
  for t in I, W {{ occupancy(pad, t) <= 90 % }}
}}

study widths{i} {{
  map net{i} onto machine{i}(rows = 14)
  precision {{
    weights in {{2..8}} per layer
    activations in {{4, 6, 8}} per layer
    output 8 bit
    layer stem: weights = 8, activations = 8
  }}
  constrain with flow{i}
  constrain {{ spatial pe.y only C, P }}
  minimize energy, weight_memory
  search nsga2(population = 16, generations = 10, seed = {i})
  report html, markdown
}}
"""


def many_designs(lines: int = 10_000) -> str:
    """Operators, technologies, accelerators, networks, mappings, constraints and studies in turn."""
    each = _DESIGN.count("\n") + 1
    return "\n".join(_DESIGN.format(i=i) for i in range(lines // each + 1))


def long_networks(lines: int = 10_000, layers: int = 2_500) -> str:
    """Chains of layers, of few different sizes: the densest lines there are."""
    text = "operator conv {\n  dims N, K, C, P, Q, R, S\n  weights W\n"
    text += "  O[n, k, p, q] += I[n, c, p + r, q + s] * W[k, c, r, s]\n}\n"
    for n in range(lines // layers):
        chain = (
            f"  a{i + 1} = conv(a{i}, K = {16 * (1 + i % 3)}, R = 3, S = 3, pad = 1) relu\n" for i in range(layers)
        )
        text += f"network chain{n} {{\n  input a0: 16 x 32 x 32\n{''.join(chain)}  output a{layers}\n}}\n"
    return text
