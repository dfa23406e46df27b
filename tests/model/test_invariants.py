"""The checker lets through only models that keep their contract, and the contract notices when they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qdsl.diagnostics import Sink
from qdsl.model import load_model
from qdsl.model.invariants import violations
from qdsl.model.mapping import Loop
from qdsl.model.study import Configuration, Model
from qdsl.resources import data_dir
from tests.model.conftest import Load

SPEC = """
import "parts/machine.qdsl"
import "parts/network.qdsl"
mapping m for net.next onto toy {
  bits I = 8, W = 4, O = 16
  dram: for P 16, Q 16
  buffer: for K 4
  pe.x: parallel C 8
  pe.y: parallel K 2
}
study s {
  map net onto toy(rows = 8)
  precision {
    weights in {2..8} per layer
    activations in {2..8} per layer
    output 8 bit
  }
  constrain { if K >= 2 then tile(buffer, R) == R }
  minimize energy
  search nsga2(population = 8)
}
"""


@pytest.fixture
def model(load_text: Load) -> Model:
    return load_text(SPEC)


def test_checked_model_keeps_its_contract(model: Model) -> None:
    assert violations(model) == []


def test_broken_models_are_noticed(model: Model) -> None:
    (accelerator,), (network,), (mapping,), (study,) = (
        model.accelerators,
        model.networks,
        model.mappings,
        model.studies,
    )
    level = accelerator.levels[1]
    first, *rest = network.layers
    small = replace(first, problem=replace(first.problem, sizes=(1, 1, 1, 99, 1, 1, 1)))
    widened = tuple(replace(v, options=(8, 4)) for v in study.precision.variables)
    cut = replace(accelerator, hierarchy=accelerator.hierarchy[:1])
    broken_configuration = Configuration((("rows", "2"),), cut, ())
    broken = [
        replace(model, accelerators=(replace(accelerator, hierarchy=accelerator.hierarchy[1:]),)),
        replace(model, accelerators=(replace(accelerator, hierarchy=(*accelerator.hierarchy, level)),)),
        replace(model, networks=(replace(network, layers=(small, *rest)),)),
        replace(model, networks=(replace(network, layers=network.layers[1:]),)),
        replace(model, networks=(replace(network, outputs=("nothing",)),)),
        replace(model, mappings=(replace(mapping, bits=(("I", 8), ("W", 9), ("O", 8))),)),
        replace(model, mappings=(replace(mapping, mapping=replace(mapping.mapping, places=())),)),
        replace(model, studies=(replace(study, precision=replace(study.precision, variables=widened)),)),
        replace(model, studies=(replace(study, precision=replace(study.precision, assignment=())),)),
        replace(model, studies=(replace(study, objectives=()),)),
        replace(model, studies=(replace(study, levels=("fine", "mid")),)),
        replace(model, studies=(replace(study, network=replace(network, layers=(replace(first, weight=0.0), *rest))),)),
        replace(model, studies=(replace(study, hardware=(broken_configuration,)),)),
        replace(
            model, studies=(replace(study, accelerator=replace(accelerator, hierarchy=accelerator.hierarchy[:1])),)
        ),
    ]
    assert [bool(violations(b)) for b in broken] == [True] * len(broken)


@pytest.mark.parametrize(
    ("buffer", "array", "imperfect", "sound"),
    [
        (4, 2, "", True),
        (4, 2, "padded", False),  # nothing is imperfect
        (3, 3, "", False),  # 9 of 8
        (3, 3, "padded", True),
        (3, 3, "partial", True),
        (3, 2, "partial", False),  # 6 of 8
        (5, 2, "partial", False),  # the last of the five has nothing to do
    ],
)
def test_factors_make_the_size_or_what_an_imperfect_nest_needs(
    model: Model, buffer: int, array: int, imperfect: str, sound: bool
) -> None:
    (written,) = model.mappings
    loops = {**dict(written.mapping.places), "buffer": (Loop("K", buffer),), "pe.y": (Loop("K", array),)}
    mapping = replace(written.mapping, places=tuple(loops.items()), imperfect=imperfect)
    assert (violations(replace(model, mappings=(replace(written, mapping=mapping),))) == []) == sound


@pytest.mark.parametrize("path", sorted(data_dir("specs").rglob("*.qdsl")), ids=lambda p: p.stem)
def test_shipped_spec_is_sound(path: Path) -> None:
    sink = Sink()
    model = load_model(path, sink)
    assert [f"{d.code} {d.message} {d.span}" for d in sink] == []
    assert model is not None
    assert violations(model) == []


CHANNELS = st.integers(1, 32)
LAYERS = st.lists(
    st.tuples(CHANNELS, st.sampled_from([1, 3]), st.integers(1, 2), st.booleans()), min_size=1, max_size=6
)


@given(CHANNELS, st.integers(8, 40), LAYERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_generated_networks_are_sound(
    tmp_path: Path, channels: int, extent: int, layers: list[tuple[int, int, int, bool]]
) -> None:
    """Chains of convolutions, some with a residual addition around them."""
    lines = [f"input x0: {channels} x {extent} x {extent}"]
    for i, (k, window, stride, residual) in enumerate(layers):
        call = f"conv2d(x{i}, K = {k}, R = {window}, S = {window}, stride = {stride}, pad = {window // 2})"
        if residual:
            call = f"add(x{i}, conv2d(x{i}, K = x{i}.channels, R = {window}, S = {window}, pad = {window // 2}))"
        lines.append(f"x{i + 1} = {call}")
    lines.append(f"output x{len(layers)}")
    parts = Path(__file__).parent / "wrong" / "parts"
    study = SPEC[SPEC.index("study") :].replace("map net", "map generated")
    text = (parts / "operators.qdsl").read_text() + (parts / "machine.qdsl").read_text() + study
    path = tmp_path / "main.qdsl"
    path.write_text(text + "network generated {\n  " + "\n  ".join(lines) + "\n}\n")
    sink = Sink()
    model = load_model(path, sink)
    assert [d.message for d in sink.errors] == []
    assert model is not None
    assert violations(model) == []
