"""The shipped dataflow constraints describe the published mapping spaces: the same counts, the same mappings."""

from __future__ import annotations

import pytest

from qdsl.mapspace import constraint_violations, feasible
from qdsl.model import load
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.study import Study, WrittenMapping
from qdsl.resources import data_dir
from qdsl.symbolic import legality
from tests.specs.conftest import Load
from tests.support.enumeration import factor_mappings

# One order serves all levels of Eyeriss: it is consistent with the fixed orders of the weights, the buffer and DRAM.
EYERISS_ORDER = ("Q", "R", "S", "K", "N", "P", "C")
BITS_8 = {"I": 8, "W": 8, "O": 8}


def study_of(load: Load, machine: str, layer: str) -> Study:
    """A study of one layer under the shipped dataflow of a machine."""
    return load(
        f"""
        import "constraints/{machine}_dataflow.qdsl"
        network n {{ layer l = {layer} }}
        study s {{
          map n onto {machine}
          precision {{ weights in {{2..16}} per layer; activations in {{2..16}} per layer; output 8 bit }}
          constrain with {machine}_dataflow
          minimize energy
          search nsga2()
        }}
        """
    ).studies[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "counts"),
    [
        # AlexNet conv1; exhaustive counts for (I, W, O) bits by the tool of Klhufek et al. and by an enumeration.
        (
            "conv2d(N=1, K=96, C=3, P=55, Q=55, R=11, S=11, stride=4)",
            {(16, 16, 16): 653, (16, 3, 16): 678, (4, 4, 4): 1095},
        ),
        # First layer of MobileNet.
        (
            "conv2d(N=1, K=32, C=3, P=112, Q=112, R=3, S=3, stride=2)",
            {(16, 16, 16): 1485, (8, 8, 8): 1556, (8, 4, 8): 1556, (8, 2, 8): 1556, (2, 2, 2): 1556},
        ),
        # Depthwise layers; counted by the tool only.
        (
            "depthwise(N=1, C=32, P=112, Q=112, R=3, S=3)",
            {(16, 16, 16): 180, (8, 8, 8): 240, (8, 4, 8): 240, (8, 2, 8): 240, (4, 4, 4): 270, (2, 2, 2): 276},
        ),
        (
            "depthwise(N=1, C=512, P=14, Q=14, R=3, S=3)",
            {(16, 16, 16): 243, (8, 8, 8): 324, (8, 4, 8): 324, (8, 2, 8): 324, (4, 4, 4): 405, (2, 2, 2): 468},
        ),
    ],
    ids=["alexnet_conv1", "mobilenet_conv1", "depthwise_32", "depthwise_512"],
)
def test_eyeriss_spaces_have_the_published_numbers_of_legal_mappings(
    load_beside_specs: Load, layer: str, counts: dict[tuple[int, int, int], int]
) -> None:
    study = study_of(load_beside_specs, "eyeriss", layer)
    machine, problem = study.accelerator, study.network.layers[0].problem
    found = dict.fromkeys(counts, 0)
    for mapping in factor_mappings(machine, problem, study.constraints, EYERISS_ORDER):
        if not constraint_violations(study.constraints, machine, problem, BITS_8, mapping):
            for bits in counts:
                named = dict(zip(("I", "W", "O"), bits, strict=True))
                found[bits] += not legality(machine, problem, named, mapping, None)
    assert found == counts


@pytest.fixture(scope="module")
def published(load_beside_specs: Load) -> WrittenMapping:
    """The one mapping that is published in full: layer 3 of MobileNetV1, In 8, W 4, Out 8 bits."""
    return load_beside_specs(
        """
        import "accelerators/eyeriss.qdsl"
        import "operators/conv2d.qdsl"
        network n { layer l = conv2d(N = 1, C = 32, K = 64, P = 112, Q = 112, R = 1, S = 1) }
        mapping m for n.l onto eyeriss {
          bits I = 8, W = 4, O = 8
          dram: for Q 16
          glb: for P 112
          pe.x: parallel K 2, Q 7
          pe.y: parallel C 8
          weights: for C 4
          psum: for K 32
        }
        """
    ).mappings[0]


def test_published_mapping_keeps_the_dataflow(load_beside_specs: Load, published: WrittenMapping) -> None:
    study = study_of(load_beside_specs, "eyeriss", "conv2d(N=1, C=32, K=64, P=112, Q=112, R=1, S=1)")
    assert broken(study, published.mapping) == []


@pytest.mark.parametrize(
    ("nest", "constraint"),
    [
        # Best mappings of AlexNet's layer 3, published for 16 and for 4 bits.
        ("dram K2 C16 / glb K12 P13 / pe.x Q13 / pe.y C4 S3 / weights R3 C4 / psum K16", None),
        ("dram C8 / glb K12 P13 / pe.x Q13 / pe.y K2 C2 S3 / weights R3 C16 / psum K16", None),
        # One step away from the first of them.
        (
            "dram Q13 K2 C2 / glb K12 P13 / pe.x C8 / pe.y C4 S3 / weights R3 C4 / psum K16",
            "spatial pe.x only Q, K",
        ),
        (
            "dram K2 C16 / glb K12 P13 / pe.x Q13 / pe.y C4 R3 / weights S3 C4 / psum K16",
            "spatial(pe.y, S) == S",
        ),
        (
            "dram K2 C16 / glb K12 P13 / pe.x Q13 / pe.y C4 S3 / weights C4 R3 / psum K16",
            "order weights: R, C",
        ),
        (
            "dram C16 K2 / glb K12 P13 / pe.x Q13 / pe.y C4 S3 / weights R3 C4 / psum K16",
            "order dram: Q, N, K, C",
        ),
        (
            "dram K2 C16 / glb P13 K12 / pe.x Q13 / pe.y C4 S3 / weights R3 C4 / psum K16",
            "order glb: K, N, P, C",
        ),
        (
            "dram K2 C16 P13 / glb K12 / pe.x Q13 / pe.y C4 S3 / weights R3 C4 / psum K16",
            "temporal(glb, P) == P",
        ),
        (
            "dram K2 C16 / glb R3 K12 P13 / pe.x Q13 / pe.y C4 S3 / weights C4 / psum K16",
            "temporal(weights, R) == R",
        ),
        (
            "dram K2 C16 / glb K12 P13 / pe.x Q13 / pe.y C4 S3 / weights R3 / psum C4 K16",
            "temporal psum only K",
        ),
        (
            "dram K2 C16 / glb K12 P13 / pe.x Q13 / pe.y C4 S3 / ifmap C4 / weights R3 / psum K16",
            "temporal ifmap none",
        ),
    ],
)
def test_eyeriss_constraints_tell_mappings_apart(load_beside_specs: Load, nest: str, constraint: str | None) -> None:
    study = study_of(load_beside_specs, "eyeriss", "conv2d(N=1, C=256, K=384, P=13, Q=13, R=3, S=3)")
    texts = broken(study, mapping_of(study, nest))
    assert texts == [] if constraint is None else constraint in texts


POINTWISE = "conv2d(N=1, C=32, K=64, P=112, Q=112, R=1, S=1)"
STEM = "conv2d(N=1, C=3, K=32, P=112, Q=112, R=3, S=3, stride=2)"
DEPTHWISE = "depthwise(N=1, C=32, P=112, Q=112, R=3, S=3)"


@pytest.mark.parametrize(
    ("layer", "nest", "constraint"),
    [
        (
            POINTWISE,
            "glb P112 / pe.x C4 K4 / vector.x K4 / weight_buffer C2 / accu_buffer K4 / lane.x C4 / weight_regs Q112",
            None,
        ),
        (
            POINTWISE,
            "glb P112 / pe.x C4 K8 / vector.x K2 / weight_buffer C2 / accu_buffer K4 / lane.x C4 / weight_regs Q112",
            "if K >= 4 and C >= 4 then spatial(vector.x, K) == 4",
        ),
        (
            POINTWISE,
            "glb P112 / pe.x C4 K4 / vector.x K4 / weight_buffer C4 / accu_buffer K4 / lane.x C2 / weight_regs Q112",
            "if K >= 4 and C >= 4 then spatial(lane.x, C) == 4",
        ),
        (
            POINTWISE,
            "glb P112 / pe.x Q16 / vector.x K4 / weight_buffer C8 / accu_buffer K16 / lane.x C4 / weight_regs Q7",
            "spatial pe.x only C, K",
        ),
        (
            POINTWISE,
            "glb P112 / pe.x C4 K4 / vector.x K4 / input_buffer C2 / accu_buffer K4 / lane.x C4 / weight_regs Q112",
            "temporal input_buffer none",
        ),
        (
            POINTWISE,
            "glb P112 / pe.x C4 K4 / vector.x K4 / accu_buffer C2 K4 / lane.x C4 / weight_regs Q112",
            "temporal accu_buffer only K",
        ),
        # Three input channels do not fill four lanes, and a depthwise layer has no K: neither is forced to.
        (STEM, "glb P112 / pe.x K8 / vector.x K4 / weight_buffer R3 S3 / lane.x C3 / weight_regs Q112", None),
        (
            STEM,
            "glb P112 R3 / pe.x K8 / vector.x K4 / weight_buffer S3 / lane.x C3 / weight_regs Q112",
            "temporal glb only Q, P, N, K, C",
        ),
        (DEPTHWISE, "glb P112 / pe.x C16 / weight_buffer C2 R3 S3 / weight_regs Q112", None),
    ],
)
def test_simba_constraints_tell_mappings_apart(
    load_beside_specs: Load, layer: str, nest: str, constraint: str | None
) -> None:
    study = study_of(load_beside_specs, "simba", layer)
    texts = broken(study, mapping_of(study, nest))
    assert texts == [] if constraint is None else texts == [constraint]


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["eyeriss", "simba"])
@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2", "resnet18", "alexnet"])
def test_every_layer_of_the_networks_has_a_mapping(load_beside_specs: Load, network: str, machine: str) -> None:
    study = load_beside_specs(
        f"""
        import "networks/{network}.qdsl"
        import "constraints/{machine}_dataflow.qdsl"
        study s {{
          map {network} onto {machine}
          precision {{ weights in {{2..8}} per layer; activations in {{2..8}} per layer; output 8 bit }}
          constrain with {machine}_dataflow
          minimize energy
          search nsga2()
        }}
        """
    ).studies[0]
    for problem in study.network.distinct_problems:
        found = feasible(study.accelerator, problem, BITS_8, study.constraints)
        assert found.status == "feasible", (problem, found.core)


@pytest.mark.parametrize("machine", ["eyeriss", "simba"])
def test_studies_use_the_dataflow_of_their_machine(machine: str) -> None:
    paths = list((data_dir("specs") / "studies").glob(f"mobilenet_v[12]_{machine}.qdsl"))
    assert len(paths) == 2
    for path in paths:
        study = load(path).studies[0]
        assert study.name == path.stem == f"{study.network.name}_{study.accelerator.name}"
        assert {v.options for v in study.precision.variables} == {(2, 3, 4, 5, 6, 7, 8)}
        assert {c.span.source.path.rpartition("/")[2] for c in study.constraints if c.span} == {
            f"{study.accelerator.name}_dataflow.qdsl"
        }


def mapping_of(study: Study, nest: str) -> Mapping:
    """`dram K2 C16 / pe.x Q13`: places with their loops, outermost first. Checks that the factors give the sizes."""
    loops = {
        place: tuple(Loop(text[0], int(text[1:])) for text in rest)
        for place, *rest in map(str.split, nest.split(" / "))
    }
    mapping = Mapping(tuple((place, loops.pop(place, ())) for place in study.accelerator.places))
    assert not loops, "unknown place"
    problem = study.network.layers[0].problem
    for dim in problem.operator.dims:
        product = 1
        for place in study.accelerator.places:
            product *= mapping.factor(place, dim)
        assert product == problem.size(dim), dim
    return mapping


def broken(study: Study, mapping: Mapping) -> list[str]:
    """Texts of the constraints that a mapping breaks."""
    problem = study.network.layers[0].problem
    found = constraint_violations(study.constraints, study.accelerator, problem, BITS_8, mapping)
    texts = [d.span.source.text[d.span.start : d.span.end] for d in found if d.span]
    assert len(texts) == len(found)
    return texts
