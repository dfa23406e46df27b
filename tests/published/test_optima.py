"""Published searches: the exhaustive one is reached in every figure, the random ones are never better than ours."""

from __future__ import annotations

import pytest

from qdsl.mapper import MapResult, Objective, best_mapping
from qdsl.model.study import Study
from tests.published.conftest import LoadText, layers_text, study_text

ALEXNET = [
    (3, 96, 55, 11, 4),
    (96, 256, 27, 5, 1),
    (256, 384, 13, 3, 1),
    (384, 384, 13, 3, 1),
    (384, 256, 13, 3, 1),
]
# bits of inputs, weights, outputs -> per layer (energy uJ, cycles, EDP J*cycles) of the exhaustive search for EDP
ALEXNET_EDP = {
    (16, 16, 16): [
        (586.94, 871200, 511.34),
        (2674.79, 3732480, 9983.6),
        (820.76, 958464, 786.67),
        (1215.76, 1437696, 1747.9),
        (813.88, 958464, 780.07),
    ],
    (16, 3, 16): [
        (522.88, 798600, 417.57),
        (1820.98, 3732480, 6796.8),
        (607.90, 958464, 582.65),
        (907.80, 1437696, 1305.1),
        (621.65, 958464, 595.83),
    ],
    (4, 4, 4): [
        (294.64, 798600, 235.30),
        (1376.62, 3732480, 5138.2),
        (437.11, 958464, 418.95),
        (653.05, 1437696, 938.88),
        (437.47, 958464, 419.30),
    ],
}
# per layer the least energy in uJ that the same tool found
ALEXNET_ENERGY = {
    (16, 16, 16): [571.649, 2291.3, 820.756, 1215.76, 813.88],
    (16, 3, 16): [459.395, 1814.97, 607.897, 907.804, 621.653],
    (4, 4, 4): [294.642, 1272.52, 437.105, 653.046, 437.467],
}

MOBILENET = [
    (3, 32, 112, 3, 2),
    (32, 32, 112, 3, 1),
    (32, 64, 112, 1, 1),
    (64, 64, 55, 3, 2),
    (64, 128, 55, 1, 1),
    (128, 128, 55, 3, 1),
    (128, 128, 55, 1, 1),
    (128, 128, 27, 3, 2),
    (128, 256, 27, 1, 1),
    (256, 256, 27, 3, 1),
    (256, 256, 27, 1, 1),
    (256, 256, 13, 3, 2),
    (256, 512, 13, 1, 1),
    *([(512, 512, 13, 3, 1), (512, 512, 13, 1, 1)] * 5),
    (512, 512, 6, 3, 2),
    (512, 1024, 6, 1, 1),
    (1024, 1024, 6, 3, 1),
    (1024, 1024, 6, 1, 1),
    (1024, 1000, 6, 1, 1),
]
# (machine, weight bits) -> (energy uJ, cycles, sum of EDP) of the published random search, inputs and outputs 8 bits
MOBILENET_PUBLISHED = {
    ("eyeriss", 8): (17101.4, 30137344, 35752),
    ("eyeriss", 4): (14884.9, 30137344, 31166),
    ("eyeriss", 2): (13845.8, 30137344, 28985),
    ("simba", 8): (27483.4, 16665456, 33537),
    ("simba", 4): (26129.8, 16665456, 32012),
    ("simba", 2): (25426.8, 16665456, 31243),
}
# what an independent enumeration of the constrained Eyeriss space finds: (energy uJ, sum of EDP)
MOBILENET_ENUMERATED = {8: (17030, 35712), 4: (14685, 30821), 2: (13649, 28641)}


def alexnet(load_text: LoadText) -> Study:
    text = 'import "constraints/eyeriss_dataflow.qdsl"\n' + layers_text(ALEXNET) + study_text("eyeriss")
    return load_text(text).studies[0]


def optimum(study: Study, layer: int, bits: tuple[int, int, int], objective: Objective) -> MapResult:
    """bits: of inputs, weights, outputs."""
    problem = study.network.layers[layer].problem
    found = best_mapping(
        study.accelerator, problem, dict(zip("IWO", bits, strict=True)), study.constraints, objective=objective
    )
    assert found.status == "optimal"
    assert found.evaluation is not None and found.value == found.lower_bound
    return found


@pytest.mark.parametrize("bits", ALEXNET_EDP, ids=str)
def test_alexnet_on_eyeriss_reaches_every_optimum_of_the_exhaustive_search(
    load_text: LoadText, bits: tuple[int, int, int]
) -> None:
    study = alexnet(load_text)
    for layer, (energy_uj, cycles, edp) in enumerate(ALEXNET_EDP[bits]):
        found = optimum(study, layer, bits, Objective.EDP)
        assert found.evaluation is not None and found.value is not None
        assert found.evaluation.energy_pj / 1e6 == pytest.approx(energy_uj, abs=0.006)
        assert found.evaluation.cycles == cycles
        assert found.value / 1e12 == pytest.approx(edp, rel=1e-4)


@pytest.mark.parametrize("bits", ALEXNET_ENERGY, ids=str)
def test_alexnet_on_eyeriss_needs_at_most_the_energy_found_before(
    load_text: LoadText, bits: tuple[int, int, int]
) -> None:
    study = alexnet(load_text)
    for layer, energy_uj in enumerate(ALEXNET_ENERGY[bits]):
        found = optimum(study, layer, bits, Objective.ENERGY)
        assert found.energy_pj is not None
        assert found.energy_pj / 1e6 <= energy_uj * (1 + 1e-5)
        assert found.energy_pj / 1e6 == pytest.approx(energy_uj, rel=1e-3)


def test_the_fastest_mappings_of_alexnet_have_the_published_delay_and_energy(load_text: LoadText) -> None:
    study = alexnet(load_text)
    for layer, (cycles, energy_uj) in enumerate([(798600, 784.954), (3732480, 2674.79), (958464, 820.756)]):
        found = optimum(study, layer, (16, 16, 16), Objective.LATENCY)
        assert found.evaluation is not None
        assert (found.value, round(found.evaluation.energy_pj / 1e6, 2)) == (cycles, round(energy_uj, 2))


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "weight_bits"), MOBILENET_PUBLISHED, ids=str)
def test_mobilenet_with_dense_depthwise_layers_is_at_or_below_the_published_totals(
    load_text: LoadText, machine: str, weight_bits: int
) -> None:
    text = f'import "constraints/{machine}_dataflow.qdsl"\n' + layers_text(MOBILENET) + study_text(machine)
    study = load_text(text).studies[0]
    found = {
        shape: optimum(study, MOBILENET.index(shape), (8, weight_bits, 8), Objective.EDP) for shape in set(MOBILENET)
    }
    results = [found[shape] for shape in MOBILENET]
    energy_uj = sum(r.energy_pj or 0.0 for r in results) / 1e6
    cycles = sum(r.evaluation.cycles for r in results if r.evaluation)
    edp = sum(r.value or 0.0 for r in results) / 1e12
    published_uj, published_cycles, published_edp = MOBILENET_PUBLISHED[machine, weight_bits]
    assert cycles == published_cycles
    assert edp <= published_edp
    assert energy_uj <= published_uj
    if machine == "eyeriss":
        enumerated_uj, enumerated_edp = MOBILENET_ENUMERATED[weight_bits]
        assert (round(energy_uj), round(edp)) == (enumerated_uj, enumerated_edp)
