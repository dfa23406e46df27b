"""Mappers without a proof: what they find is legal and never better than the optimum, and few mappings they all find."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import islice
from math import inf

import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from qdsl.diagnostics import SpecError
from qdsl.mapper import MapResult, Objective, best_mapping
from qdsl.mapper.objective import value
from qdsl.mapper.other import find_mapping
from qdsl.mapper.other.genome import Genome
from qdsl.mapspace import layer_spaces, mappings_of
from qdsl.mapspace.membership import Membership
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.constraint import Limit, Same, Scope
from qdsl.model.mapper import ExactMapper, GeneticMapper, MapperChoice, RandomMapper
from qdsl.model.operator import Problem
from qdsl.model.study import Study
from qdsl.resources import data_dir
from qdsl.symbolic import Evaluation, evaluate, legality
from tests.benchmarks.layers import questions
from tests.mapspace.limits import limited_cases
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, every_mapping, is_legal
from tests.support.strategies import conv1d, matmul

BITS = {"I": 4, "W": 4, "O": 8}
QUICK = (RandomMapper(samples=100), GeneticMapper(population=8, generations=3))
LIMIT = 500


def machine(buffer_words: int = 16) -> Accelerator:
    dram = StorageLevel("dram", 8, 1, None, None, AccessEnergy(64.0, 64.0, 64.0))
    buffer = StorageLevel("buffer", 8, 1, buffer_words, None, AccessEnergy(2.0, 3.0, 3.0))
    return Accelerator("machine", (dram, buffer, FanOut("pe", 2, 1)), ComputeUnit("mac", 1.0))


def eyeriss() -> Study:
    return load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies[0]


def found(mapper: MapperChoice, case: ConstrainedCase, objective: Objective = Objective.ENERGY) -> MapResult:
    return find_mapping(
        mapper, case.accelerator, case.problem, case.bits, case.constraints, time_limit_s=None, objective=objective
    )


def least_pj(case: ConstrainedCase) -> float:
    return min((e.energy_pj for e in _legal_evaluations(case)), default=inf)


def _legal_evaluations(case: ConstrainedCase) -> list[Evaluation]:
    legal = [m for m in every_mapping(case) if is_legal(case, m)]
    return [evaluate(case.accelerator, case.problem, case.bits, m) for m in legal]


@cache
def tiny_case(convolution: bool) -> tuple[ConstrainedCase, tuple[Evaluation, ...]]:
    """A problem with some hundred legal mappings, and all of these."""
    problem, words = (Problem(conv1d(), (2, 2, 2, 3)), 16) if convolution else (Problem(matmul(), (4, 4, 2)), 16)
    case = ConstrainedCase(machine(words), problem, BITS, ())
    return case, tuple(_legal_evaluations(case))


@given(constrained_cases())
@settings(max_examples=5, deadline=None)
def test_no_mapper_finds_less_than_the_optimum(case: ConstrainedCase) -> None:
    check_against_the_optimum(case)


@pytest.mark.slow
@given(constrained_cases())
@settings(max_examples=25, deadline=None)
def test_no_mapper_finds_less_than_the_optimum_of_many_problems(case: ConstrainedCase) -> None:
    check_against_the_optimum(case)


def check_against_the_optimum(case: ConstrainedCase) -> None:
    try:
        optimum = best_mapping(case.accelerator, case.problem, case.bits, case.constraints)
    except SpecError:
        assume(False)
    for mapper in QUICK:
        answer = found(mapper, case)
        event(answer.status)
        if optimum.energy_pj is None:
            assert answer.status == "infeasible"
            continue
        assert answer.status == "feasible"
        assert answer.mapping is not None and answer.value is not None
        assert answer.lower_bound is None
        assert answer.value >= optimum.energy_pj * (1 - 1e-9)
        assert is_legal(case, answer.mapping)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "machine", "layer"),
    [("mobilenet_v1", "eyeriss", "b7.1.p"), ("resnet18", "simba", "b2.1.a"), ("mobilenet_v1", "simba", "b3.d")],
)
def test_no_draw_of_a_hundred_thousand_is_below_the_optimum(network: str, machine: str, layer: str) -> None:
    question = next(q for q in questions(network, machine) if q.layer == layer).arguments
    optimum = best_mapping(*question)
    best = find_mapping(RandomMapper(victory=0, samples=100_000), *question)
    assert optimum.status == "optimal" and optimum.value is not None and best.value is not None
    assert best.history[-1][1] == 100_000
    assert best.value >= optimum.value * (1 - 1e-9)


@given(limited_cases(LIMIT))
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_limits_of_the_cost_are_kept(case: ConstrainedCase) -> None:
    best = least_pj(case)
    for mapper in QUICK:
        try:
            answer = found(mapper, case)
        except SpecError:
            assume(False)
        event(answer.status)
        if answer.mapping is None:
            assert answer.status == "unknown" or best == inf
        else:
            assert answer.value is not None
            assert is_legal(case, answer.mapping)
            assert answer.value >= best * (1 - 1e-9)


@pytest.mark.parametrize("text", ["energy", "latency", "edp", "accesses,edp", "energy within 24 cycles"])
@pytest.mark.parametrize(
    "mapper", [RandomMapper(300), GeneticMapper(population=16, generations=12)], ids=["random", "genetic"]
)
def test_the_best_of_few_mappings_is_found(mapper: MapperChoice, text: str) -> None:
    objective = Objective.parse(text)
    for convolution in (False, True):
        case, every = tiny_case(convolution)
        assert len(every) > 100
        answer = found(mapper, case, objective)
        most = objective.most_cycles or inf
        least = min(tuple(value(q, e) for q in objective.compared) for e in every if e.cycles <= most)
        assert answer.evaluation is not None
        assert tuple(value(q, answer.evaluation) for q in objective.compared) == pytest.approx(least, rel=1e-12)


def test_enough_draws_see_every_mapping() -> None:
    case, legal = tiny_case(convolution=False)
    mappings = mappings_of(layer_spaces(case.accelerator, case.problem, BITS, ()), BITS)
    every = set(mappings)
    assert len(every) == len(legal)
    assert set(islice(mappings.sample(seed=1), 15 * len(every))) == every


@pytest.mark.parametrize("kind", [RandomMapper, GeneticMapper])
def test_equal_seeds_find_equal_mappings(kind: type[RandomMapper] | type[GeneticMapper]) -> None:
    study = eyeriss()
    case = ConstrainedCase(study.accelerator, study.network.layer("b3.p").problem, BITS, study.constraints)
    short = {"victory": 50} if kind is RandomMapper else {"population": 8, "generations": 4}
    first, again, other = (found(kind(seed=seed, **short), case) for seed in (1, 1, 2))
    assert first.mapping == again.mapping != other.mapping
    assert [step[1:] for step in first.history] == [step[1:] for step in again.history]


def test_a_random_search_ends_with_its_victory_or_its_samples() -> None:
    study = eyeriss()
    case = ConstrainedCase(study.accelerator, study.network.layer("b3.p").problem, BITS, study.constraints)
    won = found(RandomMapper(victory=150), case)
    *_, (_, best, value), (_, last, _) = won.history
    assert last == best + 150
    assert value == won.value
    counted = found(RandomMapper(victory=0, samples=777), case)
    assert counted.history[-1][1] == 777
    values = [step[2] for step in counted.history]
    assert values == sorted(values, reverse=True)


def test_a_search_ends_when_its_time_is_up() -> None:
    study = eyeriss()
    question = study.accelerator, study.network.layer("b3.p").problem, BITS, study.constraints
    for mapper in (RandomMapper(victory=0), GeneticMapper(generations=10**6)):
        answer = find_mapping(mapper, *question, time_limit_s=0.2)
        assert answer.status == "feasible"
        own = find_mapping(replace(mapper, time_limit_s=0.1), *question)
        assert own.status == "feasible"
    at_once = find_mapping(RandomMapper(time_limit_s=1e-9), *question)
    assert at_once.status == "feasible"
    with pytest.raises(ValueError, match="nothing ends"):
        find_mapping(RandomMapper(victory=0), *question)


def test_the_exact_mapper_is_one_of_the_choices() -> None:
    problem = Problem(matmul(), (4, 4, 3))
    answer = find_mapping(ExactMapper(), machine(), problem, BITS)
    assert answer.status == "optimal"


@pytest.mark.parametrize("mapper", QUICK, ids=["random", "genetic"])
def test_what_no_mapping_can_keep_is_infeasible(mapper: MapperChoice) -> None:
    too_wide = {**BITS, "W": 9}
    assert find_mapping(mapper, machine(), Problem(matmul(), (4, 4, 3)), too_wide).status == "infeasible"
    assert find_mapping(mapper, machine(2), Problem(matmul(), (4, 4, 3)), BITS).status == "infeasible"


@pytest.mark.parametrize("mapper", QUICK, ids=["random", "genetic"])
def test_no_mapping_within_a_limit_is_unknown(mapper: MapperChoice) -> None:
    """Draws beyond it do not prove that there is none."""
    limit = Limit("energy", "", 1.0, Scope(), "energy <= 1 pJ")
    question = (machine(), Problem(matmul(), (4, 4, 3)), BITS)
    answer = find_mapping(mapper, *question, (limit,))
    assert (answer.status, answer.mapping) == ("unknown", None)
    answer = find_mapping(mapper, *question, objective=Objective.parse("energy within 3 cycles"))
    assert (answer.status, answer.mapping) == ("unknown", None)


@pytest.mark.parametrize("mapper", QUICK, ids=["random", "genetic"])
def test_a_single_mapping_is_found(mapper: MapperChoice) -> None:
    case = ConstrainedCase(machine(), Problem(matmul(), (1, 1, 1)), BITS, ())
    assert found(mapper, case).value == least_pj(case)


@pytest.mark.parametrize("mapper", QUICK, ids=["random", "genetic"])
def test_layers_tied_to_others_are_refused(mapper: MapperChoice) -> None:
    tied = (Same(Scope(), "same spatial for everything"),)
    with pytest.raises(SpecError, match="Q0710"):
        find_mapping(mapper, machine(), Problem(matmul(), (4, 4, 3)), BITS, tied)


@given(constrained_cases())
@settings(max_examples=6, deadline=None)
def test_genes_stand_for_the_mapping_they_were_made_of(case: ConstrainedCase) -> None:
    try:
        spaces = layer_spaces(case.accelerator, case.problem, case.bits, case.constraints)
    except SpecError:
        assume(False)
    legal = mappings_of(spaces, case.bits)
    assume(legal.count)
    genome = Genome(spaces)
    spatial = {p for f in case.accelerator.fanouts for p in f.places}
    for mapping in islice(legal.sample(seed=1), 20):
        genes = genome.genes(mapping)
        assert all(0 <= gene < n for gene, n in zip(genes, genome.options, strict=True))
        again = genome.mapping(genes)
        assert again.bypass == mapping.bypass
        for (place, loops), (other, same) in zip(mapping.places, again.places, strict=True):
            assert place == other
            assert {*loops} == {*same} if place in spatial else loops == same


@given(constrained_cases())
@settings(max_examples=6, deadline=None)
def test_a_mapping_is_in_a_space_if_it_keeps_the_constraints(case: ConstrainedCase) -> None:
    try:
        spaces = layer_spaces(case.accelerator, case.problem, case.bits, case.constraints)
    except SpecError:
        assume(False)
    members = [Membership(space, case.bits) for space in spaces]
    for mapping in islice(every_mapping(case), 0, 20_000, 97):
        inside = sum(x.contains(mapping) for x in members)
        fits = not legality(case.accelerator, case.problem, case.bits, mapping, None)
        assert inside <= 1
        if fits:
            assert bool(inside) == is_legal(case, mapping)
