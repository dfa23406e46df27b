"""Which tensors share a bit-width."""

from __future__ import annotations

from qdsl.model.invariants import violations
from qdsl.model.precision import PrecisionSpace
from tests.model.conftest import Load

STUDY = """
study s {
  map n onto toy
  precision {
    weights in {2..8} per layer
    activations in {4, 8} per layer
    output 6 bit
    %s
  }
  minimize energy
  search nsga2(population = 8, generations = 2)
}
"""


def space(load_text: Load, network: str, more: str = "") -> PrecisionSpace:
    text = f'import "parts/operators.qdsl"\nimport "parts/machine.qdsl"\n{network}{STUDY % more}'
    model = load_text(text)
    assert violations(model) == []
    return model.studies[0].precision


def names(s: PrecisionSpace) -> dict[str, dict[str, str]]:
    """Variable of every tensor, by name; 'output' for the width of the network's outputs."""
    return {
        layer: {t: "output" if i is None else s.variables[i].name for t, i in tensors}
        for layer, tensors in s.assignment
    }


CHAIN = """
network n {
  input x: 3 x 8 x 8
  a = conv2d(x, K = 4, R = 1, S = 1)
  b = conv2d(a, K = 4, R = 1, S = 1)
  output b
}
"""
RESIDUAL = """
network n {
  input x: 4 x 8 x 8
  a = conv2d(x, K = 4, R = 1, S = 1)
  b = conv2d(a, K = 4, R = 1, S = 1)
  c = add(a, b)
  d = conv2d(c, K = 4, R = 1, S = 1)
  e = add(c, d)
  f = conv2d(e, K = 4, R = 1, S = 1)
  output f
}
"""


def test_output_of_a_layer_has_the_width_its_reader_wants(load_text: Load) -> None:
    s = space(load_text, CHAIN)
    assert [v.name for v in s.variables] == ["a.activations", "a.weights", "b.activations", "b.weights"]
    assert names(s)["a"] == {"I": "a.activations", "W": "a.weights", "O": "b.activations"}
    assert names(s)["b"] == {"I": "b.activations", "W": "b.weights", "O": "output"}


def test_additions_take_the_widths_of_the_layers_around_them(load_text: Load) -> None:
    """As in MobileNetV2: `a` is read by a layer and by an addition, `b` only by an addition."""
    found = names(space(load_text, RESIDUAL))
    assert found["c"] == {"I": "b.activations", "W": "d.activations", "O": "d.activations"}
    assert found["e"] == {"I": "d.activations", "W": "f.activations", "O": "f.activations"}
    assert found["b"]["O"] == "d.activations"
    assert found["d"]["O"] == "f.activations"


def test_layers_that_read_one_activation_share_its_variable(load_text: Load) -> None:
    network = """
network n {
  input x: 4 x 8 x 8
  a = conv2d(x, K = 4, R = 1, S = 1)
  b = conv2d(x, K = 4, R = 1, S = 1)
  output add(a, b)
}
"""
    s = space(load_text, network)
    assert [(v.name, v.layers) for v in s.variables if v.role == "activations"] == [("a.activations", ("a", "b"))]
    # Nothing reads the sum, and nothing but the sum reads its terms.
    assert names(s)["add"] == {"I": "output", "W": "output", "O": "output"}


def test_what_a_concatenation_joins_has_one_width(load_text: Load) -> None:
    network = """
network n {
  input x: 4 x 8 x 8
  a = conv2d(x, K = 4, R = 1, S = 1)
  b = conv2d(a, K = 4, R = 1, S = 1)
  output conv2d(concat(concat(a, x), b), K = 4, R = 1, S = 1)
}
"""
    s = space(load_text, network)
    shared = "a.activations"
    assert [(v.name, v.layers) for v in s.variables if v.role == "activations"] == [(shared, ("a", "b", "conv2d"))]
    assert names(s)["a"] == {"I": shared, "W": "a.weights", "O": shared}
    assert names(s)["b"] == {"I": shared, "W": "b.weights", "O": shared}
    assert names(s)["conv2d"] == {"I": shared, "W": "conv2d.weights", "O": "output"}


def test_a_concatenation_that_closes_a_circle_of_widths_has_that_of_the_outputs(load_text: Load) -> None:
    network = """
network n {
  input x: 4 x 8 x 8
  a = add(x, x)
  b = add(a, a)
  output add(concat(x, b), concat(x, b))
  input z: 4 x 8 x 8
  output conv2d(z, K = 4, R = 1, S = 1)
}
"""
    assert set(names(space(load_text, network))["b"].values()) == {"output"}


def test_layer_with_two_weighted_inputs_has_a_variable_for_each(load_text: Load) -> None:
    network = """
operator mix { dims N, C; weights W; O[n, c] = I[n, c] * J[n, c] * W[c] }
network n {
  input x: 4
  input y: 4
  output mix(x, y)
}
"""
    s = space(load_text, network)
    assert [v.name for v in s.variables] == ["mix.activations.I", "mix.activations.J", "mix.weights"]


def test_layer_outside_the_graph_chooses_its_own_widths(load_text: Load) -> None:
    s = space(load_text, "network n { layer l = linear(N = 1, K = 4, C = 4) }")
    assert names(s) == {"l": {"I": "l.activations", "W": "l.weights", "O": "output"}}


def test_fixed_layer_has_one_option(load_text: Load) -> None:
    s = space(load_text, CHAIN, "layer a: weights = 8, activations = 5")
    assert [v.options for v in s.variables] == [(5,), (8,), (4, 8), tuple(range(2, 9))]


def test_choice_gives_the_bits_of_every_tensor(load_text: Load) -> None:
    bits = space(load_text, CHAIN).layer_bits((8, 2, 4, 3))
    assert bits == {"a": {"I": 8, "W": 2, "O": 4}, "b": {"I": 4, "W": 3, "O": 6}}
