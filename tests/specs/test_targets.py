"""Shipped machines and workloads hold against what is known of the originals."""

from __future__ import annotations

import pytest

from qdsl.mapper import best_mapping
from qdsl.mapper.objective import Objective
from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.model.network import Network
from qdsl.model.operator import Problem
from qdsl.resources import data_dir
from qdsl.symbolic import evaluate, legality
from tests.specs.conftest import Load

SPECS = data_dir("specs")


def machine(name: str) -> Accelerator:
    return load(SPECS / "accelerators" / f"{name}.qdsl").accelerators[0]


def matmul(load_beside_specs: Load, m: int, n: int, k: int) -> Problem:
    text = f'import "operators/linear.qdsl"\nnetwork one {{ layer l = matmul(M = {m}, N = {n}, K = {k}) }}'
    return load_beside_specs(text).networks[0].layers[0].problem


@pytest.mark.parametrize(
    ("name", "bits", "terra_operations"),
    [
        ("tpu_like", 8, 92),
        ("nvdla_like", 8, 4),
        ("edge_npu", 8, 0.5),
        ("simba_package", 8, 128),
        ("tensor_core", 8, 624),
    ],
)
def test_peak(name: str, bits: int, terra_operations: float, load_beside_specs: Load) -> None:
    """A MAC counts as two operations; data sheets round."""
    found, problem = machine(name), matmul(load_beside_specs, 1, 1, 1)
    each = found.compute.cycles_per_operation(problem, dict.fromkeys("IWO", bits))
    assert found.clock_hz is not None
    peak = 2 * found.compute_instances / float(each) * found.clock_hz
    assert peak / 1e12 == pytest.approx(terra_operations, rel=0.05)


def test_a_layer_of_few_rows_runs_on_the_tpu_at_its_weight_bandwidth(load_beside_specs: Load) -> None:
    """200 MACs per byte of weights at 34 GB/s are 13.6 TOPS at most; the paper measured 12.3 of such a network."""
    found = load_beside_specs(
        """
        import "accelerators/tpu_like.qdsl"
        import "operators/linear.qdsl"
        network mlp { layer fc = linear(N = 200, K = 2048, C = 2048) }
        study s {
          map mlp onto tpu_like
          precision { weights in {8} per layer; activations in {8} per layer; output 8 bit }
          constrain { spatial rows.y only C; spatial columns.x only K; temporal weight only N }
          minimize energy
          search exact
        }
        """
    ).studies[0]
    (layer,) = found.network.layers
    bits = {"I": 8, "W": 8, "O": 8}
    answer = best_mapping(found.accelerator, layer.problem, bits, found.constraints, objective=Objective.LATENCY)
    assert answer.evaluation is not None
    attained = 2 * layer.problem.operations / answer.evaluation.cycles * 700e6 / 1e12
    assert 12.3 <= attained == pytest.approx(13.6, rel=0.001)


def test_a_product_of_matrices_keeps_all_tensor_cores_busy(load_beside_specs: Load) -> None:
    written = load_beside_specs(
        """
        import "accelerators/tensor_core.qdsl"
        network gemm { layer mm = matmul(M = 4608, N = 4608, K = 4096) }
        mapping tiles for gemm.mm onto tensor_core {
          bits I = 8, W = 8, O = 16
          hbm: for M 6
          cache: for N 2, K 8
          multiprocessors.x: parallel M 12
          multiprocessors.y: parallel N 9
          shared: for M 4, N 32
          cores.x: parallel M 2
          cores.y: parallel N 2
          registers: for K 128
          tile.x: parallel M 8
          tile.y: parallel N 4
          dot.x: parallel K 4
        }
        """
    ).mappings[0]
    problem, bits = written.layer.problem, dict(written.bits)
    assert not legality(written.accelerator, problem, bits, written.mapping, None)
    found = evaluate(written.accelerator, problem, bits, written.mapping)
    assert found.cycles == problem.operations / (108 * 2048)
    picojoules = found.energy_pj / problem.operations
    assert 0.5 < picojoules < 4  # 400 W at 312 tera-MACs per second are 1.3 pJ


def network_of(file: str, name: str) -> Network:
    return next(n for n in load(SPECS / "networks" / f"{file}.qdsl").networks if n.name == name)


def weights(network: Network, operator: str = "linear") -> int:
    layers = [x.problem for x in network.layers if x.problem.operator.name == operator]
    return sum(p.values(p.operator.tensor("W")) for p in layers)


@pytest.mark.parametrize(
    ("file", "block", "head", "blocks", "count", "cached"),
    [
        ("gpt2_small", "gpt2_block", "gpt2_head", 12, 123_532_032, 2 * 1024 * 768),
        ("llama_8b", "llama_block", "llama_head", 32, 7_504_658_432, 2 * 8192 * 1024),
    ],
)
def test_transformers_have_the_published_numbers_of_weights(
    file: str, block: str, head: str, blocks: int, count: int, cached: int
) -> None:
    decode, prefill = (network_of(file, f"{block}_{phase}") for phase in ("decode", "prefill"))
    assert blocks * weights(decode) + weights(network_of(file, head)) == count
    assert weights(prefill) == weights(decode)
    assert weights(decode, "cached_matmul") == cached


def test_resnet50_has_the_published_size() -> None:
    layers = [x.problem for x in network_of("resnet50", "resnet50").layers if x.has_weights]
    assert len(layers) == 54
    assert sum(p.operations for p in layers) == 4_089_184_256
    assert sum(p.values(p.operator.tensor("W")) for p in layers) == 25_502_912
