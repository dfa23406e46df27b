"""Layers split into groups of output channels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qdsl.diagnostics import SpecError
from qdsl.model.invariants import violations
from qdsl.model.operator import Problem
from qdsl.model.study import Model, Study
from tests.model.conftest import Load

SPEC = """
import "parts/operators.qdsl"
import "parts/machine.qdsl"
operator depthwise { dims N, C, P, Q, R, S; weights W; O[n, c, p, q] += I[n, c, p + r, q + s] * W[c, r, s] }
operator attend { dims M, N, K; weights V, W; O[m, n] += I[m, k] * V[k, n] * W[k, n] }
network n {
  input x: 4 x 8 x 8
  a = conv2d(x, K = 6, R = 3, S = 3, pad = 1)
  d = depthwise(a, R = 1, S = 1)
  output conv2d(d, K = 4, R = 1, S = 1)
}
network outside { layer l = attend(M = 2, N = 8, K = 4) }
study s {
  map %s onto toy
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


def study(load_text: Load, statements: str, network: str = "n") -> Study:
    model = load_text(SPEC % (network, statements))
    assert violations(model) == []
    return model.studies[0]


def sizes(problem: Problem) -> dict[str, int]:
    return dict(zip(problem.operator.dims, problem.sizes, strict=True))


def options(s: Study) -> dict[str, tuple[int, ...]]:
    return {v.name: v.options for v in s.precision.variables}


def test_groups_stand_in_the_place_of_their_layer(load_text: Load) -> None:
    whole, s = study(load_text, ""), study(load_text, "split a: 2 at 8 bit, 3 at 3, 1 at 8")
    assert [x.name for x in s.network.layers] == ["a.1", "a.2", "a.3", "d", "conv2d"]
    assert s.network.layers[3:] == whole.network.layers[1:]
    a = whole.network.layer("a")
    for group, channels in zip(s.network.writers("a"), (2, 3, 1), strict=True):
        assert sizes(group.problem) == sizes(a.problem) | {"K": channels}
        assert (group.problem.operator, group.inputs, group.output) == (a.problem.operator, a.inputs, "a")
        assert group.share == channels / 6
    assert s.network.activations == whole.network.activations


def test_their_weights_are_given_and_the_rest_is_as_without_groups(load_text: Load) -> None:
    whole, s = study(load_text, ""), study(load_text, "split a: 2 at 8 bit, 4 at 3")
    groups = {"a.1.weights": (8,), "a.2.weights": (3,)}
    assert options(s) == {name: o for name, o in options(whole).items() if name != "a.weights"} | groups
    (read,) = (v for v in s.precision.variables if v.name == "a.activations")
    assert read.layers == ("a.1", "a.2")
    choice = {name: o[-1] for name, o in options(s).items()} | {"a.activations": 4, "d.activations": 8}
    bits = s.precision.layer_bits(tuple(choice.values()))
    assert bits["a.1"] == {"I": 4, "W": 8, "O": 8}
    assert bits["a.2"] == {"I": 4, "W": 3, "O": 8}


def test_other_widths_of_a_split_layer_can_be_fixed(load_text: Load) -> None:
    s = study(load_text, "split a: 2 at 8 bit, 4 at 3; layer a: activations = 8")
    assert options(s)["a.activations"] == (8,)


def test_channels_of_a_depthwise_layer_are_those_it_reads(load_text: Load) -> None:
    s = study(load_text, "split d: 1 at 8 bit, 5 at 2 bit")
    first, second = s.network.writers("d")
    assert [sizes(x.problem)["C"] for x in (first, second)] == [1, 5]
    assert first.problem.values(first.problem.operator.tensor("I")) == 8 * 8


def test_channels_are_in_all_tensors_of_weights(load_text: Load) -> None:
    """`K` is the first dimension of `V`, but the output lacks it. What a layer without graph reads has one width."""
    s = study(load_text, "split l: 3 at 8 bit, 5 at 4 bit", "outside")
    assert [sizes(x.problem)["N"] for x in s.network.layers] == [3, 5]
    assert options(s) == {"l.activations": (4, 8), "l.1.weights": (8,), "l.2.weights": (4,)}


@pytest.fixture
def model(load_text: Load) -> Model:
    return load_text(SPEC % ("n", "split a: 2 at 8 bit, 4 at 3 bit"))


def test_lost_channels_and_widths_are_noticed(model: Model) -> None:
    (s,) = model.studies
    first, *others = s.network.layers
    short = replace(first, problem=replace(first.problem, sizes=(1,) * 7))
    assert violations(replace(model, studies=(replace(s, network=replace(s.network, layers=(short, *others))),)))
    (name, tensors), *rest = s.precision.assignment
    moved = (name, tuple((t, None if t == "O" else i) for t, i in tensors))
    precision = replace(s.precision, assignment=(moved, *rest))
    assert violations(replace(model, studies=(replace(s, precision=precision),)))


def test_groups_of_channels_choose_their_widths(load_text: Load) -> None:
    """6 and 4 channels in 4 groups; `d` is fixed by the layer, and split all the same."""
    text = SPEC.replace("weights in {2..8} per layer", "weights in {2..8} per channel(groups = 4)")
    s = load_text(text % ("n", "layer d: weights = 4")).studies[0]
    channels = {x.name: x.problem.size(x.group.dim) for x in s.network.layers if x.group}
    assert [channels[f"a.{i}"] for i in (1, 2, 3, 4)] == [2, 2, 1, 1]
    assert [channels[f"conv2d.{i}"] for i in (1, 2, 3, 4)] == [1, 1, 1, 1]
    found = options(s)
    assert all(found[f"{x}.{i}.weights"] == (2, 3, 4, 5, 6, 7, 8) for x in ("a", "conv2d") for i in (1, 2, 3, 4))
    assert {found[f"d.{i}.weights"] for i in (1, 2, 3, 4)} == {(4,)}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("weights in {2..8} per channel", "need the number of groups"),
        ("weights in {2..8} per channel(4)", "need the number of groups"),
        ("weights in {2..8} per channel(groups = 1)", "must be at least 2"),
        ("weights in {2..8} per layer(groups = 4)", "has no arguments"),
    ],
)
def test_what_is_no_grouping_is_refused(rule: str, said: str, load_text: Load) -> None:
    with pytest.raises(SpecError, match=said):
        load_text(SPEC.replace("weights in {2..8} per layer", rule) % ("n", ""))


def test_only_weights_have_groups_of_channels(load_text: Load) -> None:
    with pytest.raises(SpecError, match="only weights"):
        load_text(
            SPEC.replace("activations in {4, 8} per layer", "activations in {4} per channel(groups = 2)") % ("n", "")
        )
