"""A study that maps layers of one operator as another: sizes and parameters go over, activations stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from qdsl.model import load
from qdsl.model.invariants import violations
from qdsl.model.study import Study

NETWORK = """
operator conv2d(stride = 1) {
  dims N, K, C, P, Q, R, S
  weights W
  O[n, k, p, q] += I[n, c, stride*p + r, stride*q + s] * W[k, c, r, s]
}
operator depthwise(stride = 1) {
  dims N, C, P, Q, R, S
  weights F
  O[n, c, p, q] += X[n, c, stride*p + r, stride*q + s] * F[c, r, s]
}
network separable {
  input image: 8 x 17 x 17
  d = depthwise(image, R = 3, S = 3, stride = 2, pad = 1) relu
  p = conv2d(d, K = 16, R = 1, S = 1)
  output p
}
accelerator tiny {
  word 16 bit
  memory dram { energy read 64 pJ, write 64 pJ }
  memory pad { size 256 word; energy read 1 pJ, write 1 pJ }
  compute mac { energy 1 pJ }
}
"""


@pytest.fixture
def dense(tmp_path: Path) -> Study:
    path = tmp_path / "dense.qdsl"
    path.write_text(
        NETWORK
        + """
study dense {
  map separable onto tiny
  map depthwise as conv2d(K = C)
  precision { weights in {2..8} per layer; activations in {4, 8} per layer; output 8 bit; layer d: weights = 8 }
  constrain { every conv2d { temporal(pad, R) == R } }
  minimize energy
  search nsga2()
}
"""
    )
    model = load(path)
    assert violations(model) == []
    return model.studies[0]


def test_the_new_operator_has_the_old_sizes_and_parameters(dense: Study) -> None:
    d = dense.network.layer("d")
    assert d.problem.operator.name == "conv2d"
    assert dict(d.problem.operator.parameters) == {"stride": 2}
    assert d.problem.operator.dims == ("N", "K", "C", "P", "Q", "R", "S")
    assert d.problem.sizes == (1, 8, 8, 9, 9, 3, 3)
    assert d.problem.operations == 8 * 8 * 9 * 9 * 3 * 3
    assert d.problem.values(d.problem.operator.tensor("W")) == 8 * 8 * 3 * 3


def test_what_the_graph_says_of_the_layer_stays(dense: Study) -> None:
    d, p = dense.network.layers
    assert (d.inputs, d.function, d.padding) == ((("I", "image"),), "relu", (("P", 1), ("Q", 1)))
    assert p.inputs == (("I", "d"),)
    assert [a.shape for a in dense.network.activations] == [(1, 8, 17, 17), (1, 8, 9, 9), (1, 16, 9, 9)]
    assert dense.precision.layer_bits(tuple(v.options[-1] for v in dense.precision.variables))["d"]["W"] == 8


def test_constraints_on_the_new_operator_hold(dense: Study) -> None:
    assert all(c.scope.includes(x.problem) for c in dense.constraints for x in dense.network.layers)
