"""Calls, blocks and repeats become layers whose names and shapes follow from the text."""

from __future__ import annotations

import pytest

from qdsl.diagnostics import SpecError
from qdsl.model.invariants import violations
from qdsl.model.network import Network
from qdsl.unparse import to_text
from tests.model.conftest import Load

PREAMBLE = 'import "parts/operators.qdsl"\n'
RESIDUAL = """
network n {
  input image: 3 x 32 x 32
  block residual(x, out, stride) {
    a = conv2d(x, K = 2 * out, R = 1, S = 1) relu6
    b = conv2d(a, K = out, R = 3, S = 3, stride = stride, pad = 1)
    yield if stride == 1 and x.channels == out then add(x, b) else b
  }
  stem = conv2d(image, K = 8, R = 3, S = 3, stride = 2, pad = 1) relu
  repeat 3 as r = residual(stem, 16, stride = 2 then 1)
  output conv2d(r, K = 10, R = 8, S = 8)
}
"""


def network(load_text: Load, text: str) -> Network:
    model = load_text(PREAMBLE + text)
    assert violations(model) == []
    return model.networks[0]


def test_layers_of_repeated_blocks_are_named_after_binding_and_iteration(load_text: Load) -> None:
    names = [layer.name for layer in network(load_text, RESIDUAL).layers]
    repeated = ["r.1.a", "r.1.b", "r.2.a", "r.2.b", "r.2.add", "r.3.a", "r.3.b", "r.3.add"]
    assert names == ["stem", *repeated, "conv2d"]


def test_then_chooses_the_first_iteration_and_shapes_follow(load_text: Load) -> None:
    shapes = {a.name: a.shape for a in network(load_text, RESIDUAL).activations}
    assert shapes["stem"] == (1, 8, 16, 16)
    assert shapes["r.1.b"] == shapes["r.3.add"] == (1, 16, 8, 8)
    assert shapes["conv2d"] == (1, 10, 1, 1)


def test_residual_reads_the_input_of_its_block(load_text: Load) -> None:
    n = network(load_text, RESIDUAL)
    assert n.layer("r.2.add").inputs == (("I", "r.1.b"), ("W", "r.2.b"))
    assert n.layer("r.3.add").inputs == (("I", "r.2.add"), ("W", "r.3.b"))


def test_a_concatenation_is_no_layer(load_text: Load) -> None:
    text = """
network n {
  input x: 4 x 8 x 8
  input y: 2 x 8 x 8
  both = concat(x, y)
  wide = concat(both, y)
  c = conv2d(wide, K = both.channels, R = 1, S = 1)
  output concat(c, y)
}
"""
    n = network(load_text, text)
    assert [(x.name, x.inputs, x.problem.size("C")) for x in n.layers] == [
        ("c", (("I", "concat(concat(x, y), y)"),), 8)
    ]
    assert n.layers[0].problem.size("K") == 6
    assert n.outputs == ("concat(c, y)",) and n.written("concat(concat(x, y), y)") == ("x", "y", "y")
    assert set(n.stored_as.values()) == {"x"}


def test_activation_functions_and_padding_are_carried(load_text: Load) -> None:
    n = network(load_text, RESIDUAL)
    assert [(layer.function, layer.padding) for layer in n.layers[:3]] == [
        ("relu", (("P", 1), ("Q", 1))),
        ("relu6", ()),
        ("", (("P", 1), ("Q", 1))),
    ]


def test_an_axis_may_have_its_own_padding(load_text: Load) -> None:
    calls = (
        "R = 4, S = 3, pad_P = 2, pad_Q = 1",
        "R = 3, S = 3, pad = 1, pad_Q = 0",
        "R = 3, S = 3, pad_P = 1, pad_Q = 1",
    )
    lines = "".join(f"  c{i} = conv2d(image, K = 2, {c})\n  output c{i}\n" for i, c in enumerate(calls))
    n = network(load_text, f"network n {{\n  input image: 3 x 8 x 8\n{lines}}}")
    assert [a.shape[2:] for a in n.activations if a.producer] == [(9, 8), (8, 6), (8, 8)]
    assert [x.padding for x in n.layers] == [(("P", 2), ("Q", 1)), (("P", 1),), (("P", 1), ("Q", 1))]
    text = to_text(n)
    assert "pad_P = 2, pad_Q = 1" in text and "pad_P = 1)" in text and "pad = 1)" in text


def test_equal_layers_are_one_problem(load_text: Load) -> None:
    n = network(load_text, RESIDUAL)
    assert len(n.layers) == 10
    assert len(n.distinct_problems) == 7  # r.2 and r.3 are the same three problems


def test_nested_calls_are_numbered(load_text: Load) -> None:
    text = "network n { input x: 4 x 4 x 4; input y: 4 x 4 x 4; output add(add(x, y), add(y, x)) }"
    n = network(load_text, text)
    assert [layer.name for layer in n.layers] == ["add", "add_2", "add_3"]
    assert n.layers[-1].inputs == (("I", "add"), ("W", "add_2"))


def test_nested_call_does_not_take_the_name_of_a_binding(load_text: Load) -> None:
    n = network(load_text, "network n { input x: 4 x 4 x 4; y = add(x, add(x, x)); add = add(y, y); output add }")
    assert [layer.name for layer in n.layers] == ["add_2", "y", "add"]


def test_batch_is_the_first_axis(load_text: Load) -> None:
    n = network(load_text, "network n { batch 4; input x: 8; output linear(x, K = 2) }")
    assert n.layers[0].problem.sizes == (4, 2, 8)


def test_layers_outside_the_graph_have_their_given_sizes(load_text: Load) -> None:
    n = network(load_text, "network n { layer l = conv2d(N=1, K=4, C=3, P=8, Q=8, R=3, S=3, stride=2) }")
    assert n.activations == ()
    assert n.layers[0].inputs == ()
    assert n.layers[0].problem.shape(n.layers[0].problem.operator.tensor("I")) == (1, 3, 17, 17)


def test_numbers_can_be_bound_and_computed(load_text: Load) -> None:
    text = "network n { input x: 8; width = 2 * 3; y = linear(x, K = width + x.channels / 4); output y }"
    assert network(load_text, text).layers[0].problem.size("K") == 8


def test_deeply_nested_blocks_are_refused_without_a_traceback(load_text: Load) -> None:
    def nested(value: str) -> str:
        return "".join("add(" for _ in range(40)) + value + ", x)" * 40

    blocks = ["block b0(x) { yield add(x, x) }"]
    blocks += [f"block b{i}(x) {{ yield {nested(f'b{i - 1}(x)')} }}" for i in range(1, 31)]
    text = "network n { input x: 4 x 4 x 4\n" + "\n".join(blocks) + "\noutput b30(x) }"
    with pytest.raises(SpecError, match="Q0016"):
        load_text(PREAMBLE + text)


def test_too_many_layers_are_refused(load_text: Load) -> None:
    blocks = ["block b0(x) { yield add(x, x) }"]
    blocks += [f"block b{i}(x) {{ y = b{i - 1}(x); yield b{i - 1}(y) }}" for i in range(1, 20)]
    text = "network n { input x: 4 x 4 x 4\n" + "\n".join(blocks) + "\noutput b19(x) }"
    with pytest.raises(SpecError, match="too many layers"):
        load_text(PREAMBLE + text)
