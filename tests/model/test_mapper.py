"""The mapper of a study."""

from __future__ import annotations

import pytest

from qdsl.model.mapper import ExactMapper, GeneticMapper, MapperChoice, RandomMapper
from tests.model.conftest import Load

SPEC = """
import "parts/network.qdsl"
import "parts/machine.qdsl"
study s {{
  map net onto toy
  precision {{ weights in {{2..8}} per layer; activations in {{2..8}} per layer; output 8 bit }}
  minimize energy
  {mapper}
  search nsga2(population = 8, generations = 2)
}}
"""


def mapper_of(load_text: Load, statement: str) -> MapperChoice:
    return load_text(SPEC.format(mapper=statement)).studies[0].mapper


def test_without_a_statement_the_mapper_is_exact(load_text: Load) -> None:
    assert mapper_of(load_text, "") == mapper_of(load_text, "mapper exact") == ExactMapper()


def test_what_is_not_given_has_its_default(load_text: Load) -> None:
    assert mapper_of(load_text, "mapper random") == RandomMapper() == RandomMapper(500, None, 1, None)
    assert mapper_of(load_text, "mapper genetic(seed = 7)") == GeneticMapper(100, 100, seed=7)
    assert mapper_of(load_text, "mapper random(victory = 0, samples = 10, time_limit = 250 ms)") == RandomMapper(
        0, 10, time_limit_s=0.25
    )


@pytest.mark.parametrize(
    "mapper",
    [
        ExactMapper(),
        RandomMapper(),
        RandomMapper(100, 2000, 3, 1.5),
        GeneticMapper(),
        GeneticMapper(16, 8, 2, 0.5),
    ],
    ids=str,
)
def test_a_mapper_is_shown_as_a_spec_says_it(load_text: Load, mapper: MapperChoice) -> None:
    assert mapper_of(load_text, f"mapper {mapper}") == mapper
