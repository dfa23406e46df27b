"""The shipped compute engines have the published closed forms, and cost on a machine what these say."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil

import pytest

from qdsl.diagnostics import SpecError
from qdsl.mapper import best_mapping
from qdsl.model.accelerator import Accelerator
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate
from tests.specs.conftest import Load

MAC_16 = 2.20035  # pJ of a 16-bit multiplier
ENGINES = {
    "bit_parallel": "bit_parallel",
    "vectorised": "bit_parallel",
    "bit_serial": "bit_serial",
    "bit_serial_both": "bit_serial",
    "bit_bricks": "bit_bricks",
}
Widths = dict[str, int]


@pytest.fixture(scope="module")
def machines(load_beside_specs: Load) -> dict[str, Accelerator]:
    """One unit of each engine beside a memory that costs nothing."""
    machines = "\n".join(
        f"""accelerator on_{name} {{
          word 16 bit
          memory dram {{ energy read 0 pJ, write 0 pJ }}
          compute unit {{ use {name} }}
        }}"""
        for name in ENGINES
    )
    imports = "\n".join(f'import "engines/{file}.qdsl"' for file in sorted(set(ENGINES.values())))
    found = load_beside_specs(f'{imports}\nimport "operators/linear.qdsl"\n{machines}').accelerators
    return {a.name.removeprefix("on_"): a for a in found}


@pytest.fixture(scope="module")
def problem(load_beside_specs: Load) -> Problem:
    text = 'import "operators/linear.qdsl"\nnetwork one { layer l = linear(N = 3, K = 7, C = 5) }'
    return load_beside_specs(text).networks[0].layers[0].problem


def fused(bits: int) -> int:
    """The width of the operand that bricks of 2 bits make, or of the lane of a 16-bit unit."""
    return next(w for w in (2, 4, 8, 16) if bits <= w)


CLOSED_FORMS: dict[str, Callable[[int, int], Fraction]] = {
    "bit_parallel": lambda w, a: Fraction(1),
    "vectorised": lambda w, a: Fraction(16, fused(max(w, a))),
    "bit_serial": lambda w, a: Fraction(1, a),
    "bit_serial_both": lambda w, a: Fraction(1, w * a),
    "bit_bricks": lambda w, a: Fraction(16 * 2 * 2, fused(w) * fused(a)),
}
PICOJOULES: dict[str, Callable[[int, int], float]] = {
    "bit_parallel": lambda w, a: MAC_16,
    "vectorised": lambda w, a: MAC_16 * fused(max(w, a)) ** 2 / 256,
    "bit_serial": lambda w, a: MAC_16 * 1.25 * 16 * a / 256,
    "bit_serial_both": lambda w, a: MAC_16 * 1.5 * w * a / 256,
    "bit_bricks": lambda w, a: MAC_16 * 1.25 * fused(w) * fused(a) / 256,
}


@pytest.mark.parametrize("engine", ENGINES)
def test_throughput_and_energy_at_all_pairs_of_widths(
    engine: str, machines: dict[str, Accelerator], problem: Problem
) -> None:
    unit = machines[engine].compute
    for w in range(1, 17):
        for a in range(1, 17):
            bits = {"W": w, "I": a, "O": 16}
            assert 1 / unit.cycles_per_operation(problem, bits) == CLOSED_FORMS[engine](w, a), (w, a)
            assert unit.operation_pj(problem, bits) == pytest.approx(PICOJOULES[engine](w, a))


@pytest.mark.parametrize("engine", ["bit_parallel", "vectorised", "bit_bricks"])
def test_operands_wider_than_the_unit_are_refused(
    engine: str, machines: dict[str, Accelerator], problem: Problem
) -> None:
    with pytest.raises(SpecError, match="throughput"):
        machines[engine].compute.cycles_per_operation(problem, {"W": 17, "I": 4, "O": 16})


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mapping_takes_the_operations_over_the_throughput(
    engine: str, machines: dict[str, Accelerator], problem: Problem
) -> None:
    machine, bits = machines[engine], {"W": 3, "I": 5, "O": 16}
    found = best_mapping(machine, problem, bits)
    assert found.mapping is not None
    evaluation = evaluate(machine, problem, bits, found.mapping)
    assert evaluation.cycles == ceil(problem.operations / CLOSED_FORMS[engine](3, 5))
    assert evaluation.energy_pj == pytest.approx(problem.operations * PICOJOULES[engine](3, 5))


def test_serial_gains_with_every_bit_and_vectors_in_steps(machines: dict[str, Accelerator], problem: Problem) -> None:
    def rate(engine: str, w: int, a: int) -> Fraction:
        return 1 / machines[engine].compute.cycles_per_operation(problem, {"W": w, "I": a, "O": 16})

    assert rate("bit_serial_both", 3, 5) / rate("bit_serial_both", 8, 8) == Fraction(64, 15)
    assert rate("vectorised", 3, 5) == rate("vectorised", 8, 8)
    assert [rate("vectorised", b, b) for b in (16, 8, 5, 4, 3, 2)] == [1, 2, 2, 4, 4, 8]
    assert [rate("bit_bricks", b, b) for b in (8, 4, 2)] == [1, 4, 16]


def test_an_engine_wins_at_equal_area_where_the_crossover_says(
    machines: dict[str, Accelerator], problem: Problem
) -> None:
    """`k` times as many serial units are faster where w * a < k * lane / 16."""
    k = 16
    for w in range(1, 17):
        for a in range(1, 17):
            bits = {"W": w, "I": a, "O": 16}
            serial = k / machines["bit_serial_both"].compute.cycles_per_operation(problem, bits)
            vector = 1 / machines["vectorised"].compute.cycles_per_operation(problem, bits)
            assert (serial > vector) == (w * a < k * fused(max(w, a)) / 16)


def test_areas_follow_from_the_parameters(load_beside_specs: Load) -> None:
    machine = load_beside_specs(
        """
        import "engines/bit_parallel.qdsl"
        accelerator small {
          param half = 4
          word 8 bit
          memory dram { energy read 0 pJ, write 0 pJ }
          compute unit { use if half > 2 then vectorised(width = 2 * half) else bit_parallel }
        }
        """
    ).accelerators[0]
    assert machine.compute.area_mm2 == pytest.approx(2000e-6 / 4)
