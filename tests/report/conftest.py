"""A small finished study whose mappings follow a simple rule, and a larger one that looks like a real network."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import pytest

from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.constraint import Only, Scope
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.mapping_text import format_mapping
from qdsl.model.network import Layer, Network
from qdsl.model.operator import Axis, Operator, Problem, Tensor, Term
from qdsl.model.precision import PrecisionSpace, WidthVariable
from qdsl.model.study import Search, Study
from qdsl.study.result import (
    Counts,
    DeadOption,
    DesignPoint,
    EnergySource,
    Generation,
    LayerCounts,
    LayerDetail,
    LayerResult,
    LegalCounts,
    LevelResult,
    PointDetail,
    Provenance,
    StudyRun,
)
from qdsl.study.width_grid import width_grid
from qdsl.symbolic import Evaluation, evaluate

ENERGY_PJ = {"dram": 512.0, "glb": 13.5, "wspad": 0.75}


def _axis(*terms: tuple[str, int]) -> Axis:
    return Axis(tuple(Term(dim, coefficient) for dim, coefficient in terms))


CONV = Operator(
    "conv2d",
    ("K", "C", "P", "R"),
    (
        Tensor("I", (_axis(("C", 1)), _axis(("P", 1), ("R", 1)))),
        Tensor("W", (_axis(("K", 1)), _axis(("C", 1)), _axis(("R", 1))), is_weight=True),
        Tensor("O", (_axis(("K", 1)), _axis(("P", 1))), is_output=True),
    ),
    "sum",
)
ADD = Operator(
    "add",
    ("K", "P"),
    (
        Tensor("A", (_axis(("K", 1)), _axis(("P", 1)))),
        Tensor("B", (_axis(("K", 1)), _axis(("P", 1)))),
        Tensor("O", (_axis(("K", 1)), _axis(("P", 1))), is_output=True),
    ),
    "none",
)


def accelerator(source: str = "45 nm tables") -> Accelerator:
    def energy(name: str) -> AccessEnergy:
        return AccessEnergy(ENERGY_PJ[name], ENERGY_PJ[name], ENERGY_PJ[name], source)

    return Accelerator(
        "eyeriss",
        (
            StorageLevel("dram", 16, 4, None, None, energy("dram")),
            StorageLevel("glb", 16, 1, 51200, frozenset("IO"), energy("glb"), 44.0, 16.0),
            FanOut("pe", 14, 8),
            StorageLevel("wspad", 16, 1, 224, frozenset("W"), energy("wspad")),
        ),
        ComputeUnit("mac", 2.2),
        200e6,
        False,
        (("glb", 51200.0),),
    )


@cache
def _mapping(problem: Problem) -> Mapping:
    """Outputs along the array's rows, inputs that are added up along its columns, filters in the registers."""
    places: dict[str, list[Loop]] = {place: [] for place in accelerator().places}
    column = "C" if "C" in problem.operator.dims else "K"
    for dim, size in zip(problem.operator.dims, problem.sizes, strict=True):
        axis, most = {"P": ("pe.x", 14), column: ("pe.y", 8)}.get(dim, ("pe.x", 1))
        parallel = next(n for n in range(most, 0, -1) if size % n == 0)
        places[axis].append(Loop(dim, parallel))
        places[{"K": "dram", "R": "wspad"}.get(dim, "glb")].append(Loop(dim, size // parallel))
    return Mapping(tuple((place, tuple(x for x in loops if x.factor > 1)) for place, loops in places.items()))


@cache
def _evaluation(problem: Problem, bits: tuple[tuple[str, int], ...]) -> Evaluation:
    return evaluate(accelerator(), problem, dict(bits), _mapping(problem))


def _result(layer: Layer, bits: dict[str, int]) -> LayerResult:
    evaluation = _evaluation(layer.problem, tuple(bits.items()))
    return LayerResult(layer.name, layer.problem.operator.name, tuple(bits.items()), evaluation.energy_pj, "optimal")


def _point(study: Study, choice: tuple[int, ...], label: str = "") -> DesignPoint:
    bits = study.precision.layer_bits(choice)
    layers = tuple(_result(layer, bits[layer.name]) for layer in study.network.layers)
    memory = sum(
        layer.problem.values(t) * bits[layer.name][t.name]
        for layer in study.network.layers
        for t in layer.problem.operator.weights
    )
    return DesignPoint(
        label, choice, {"energy": sum(x.energy_pj for x in layers), "weight_memory": float(memory)}, layers
    )


def _detail(study: Study, roles: tuple[str, ...], point: DesignPoint) -> PointDetail:
    layers = []
    for result in point.layers:
        problem = study.network.layer(result.name).problem
        mapping, evaluation = _mapping(problem), _evaluation(problem, result.bits)
        sizes = tuple(zip(problem.operator.dims, problem.sizes, strict=True))
        nest = format_mapping(mapping, accelerator())
        layers.append(
            LayerDetail(result.name, result.operator, sizes, result.bits, "optimal", mapping, evaluation, nest)
        )
    return PointDetail(roles, point, tuple(layers))


def _legal(study: Study) -> LegalCounts:
    """The narrower, the more; one number is larger than a double keeps."""
    layers = []
    for layer in study.network.layers:
        grid = width_grid(study, layer)
        mappings = tuple(10**17 // sum(n for _, n in bits) for bits in grid.bits)
        layers.append(LayerCounts((layer.name,), layer.problem.operator.name, grid, mappings))
    return LegalCounts(tuple(layers), ("widest", "narrowest"), (24, 40), (10**18 + 1, 10**19), ((36, 40),), ())


def build_run(problems: dict[str, Problem], choices: Sequence[tuple[int, ...]], generations: int = 4) -> StudyRun:
    """A run over a chain of layers. choices: the front, one width per variable (inputs, then weights, of each layer)."""
    layers = tuple(Layer(name, problem) for name, problem in problems.items())
    variables: list[WidthVariable] = []
    assignment = []
    for layer in layers:
        options = (8,) if layer is layers[0] else tuple(range(2, 9))
        tensors: list[tuple[str, int | None]] = []
        for tensor in layer.problem.operator.tensors:
            if tensor.is_output:
                tensors.append((tensor.name, None))
                continue
            role = "weights" if tensor.is_weight else "activations"
            tensors.append((tensor.name, len(variables)))
            variables.append(WidthVariable(f"{layer.name}.{tensor.name}", role, (layer.name,), options))
        assignment.append((layer.name, tuple(tensors)))
    study = Study(
        "mixed",
        Network("tiny_net", layers, (), (layers[-1].name,)),
        accelerator(),
        PrecisionSpace(tuple(variables), tuple(assignment), 8),
        (Only("wspad", frozenset("CR"), Scope(frozenset({"conv2d"})), "temporal wspad only C, R"),),
        ("energy", "weight_memory"),
        Search(12, 12, generations, 1, "seed"),
        ("html", "markdown"),
    )

    def uniform(width: int) -> DesignPoint:
        return _point(study, tuple(width if len(v.options) > 1 else 8 for v in variables), f"{width}/{width}")

    front = tuple(sorted((_point(study, c) for c in choices), key=lambda p: p.energy_pj))
    chosen = len(front) // 2
    energy_sources = tuple(
        EnergySource(x.name, "memory", x.block_words, 16, x.energy.read_pj, x.energy.write_pj, x.energy.update_pj, s)
        for x, s in zip(study.accelerator.levels, ("45 nm tables", None, "45 nm tables"), strict=True)
    )
    return StudyRun(
        study,
        front,
        chosen,
        "the least product of energy and weight memory",
        uniform(8),
        tuple(uniform(w) for w in (2, 4, 6, 8)),
        (
            _detail(study, ("chosen",), front[chosen]),
            _detail(study, ("least energy",), front[0]),
            _detail(study, ("least weight_memory",), front[-1]),
        ),
        (DeadOption(layers[-1].name, (("I", 8), ("W", 8), ("O", 8))),),
        tuple(Generation(g, 12 * g, 2 + g, 0.9 - 0.5 / g) for g in range(1, generations + 1)),
        tuple((p.energy_pj * k, p.weight_memory_bits * k) for p in front for k in (1.02, 1.1)),
        Counts(len(layers), len(set(problems.values())), 196, 75, 70, 5, 7 ** len(variables), 48, 196),
        _legal(study),
        (("tables", 3.25), ("search", 1.5)),
        Provenance(
            "0.1.0",
            "3.11.7",
            (("numpy", "2.0.0"), ("pymoo", "0.6.1")),
            1,
            "qdsl run studies/tiny.qdsl --seed 1",
            (("studies/tiny.qdsl", "a" * 64), ("accelerators/eyeriss.qdsl", "b" * 64)),
            (*energy_sources, EnergySource("mac", "compute", 1, 16, 2.2, 0.0, 0.0, "45 nm tables")),
        ),
        True,
        (),
        (LevelResult("fine", 1, 48, len(front), 0, None),),
    )


@pytest.fixture
def run() -> StudyRun:
    """Four layers, two of them alike, and a front of three designs."""
    problems = {
        "stem": Problem(CONV, (32, 3, 112, 3)),
        "b1": Problem(CONV, (64, 32, 56, 3)),
        "b2": Problem(CONV, (64, 32, 56, 3)),
        "sum": Problem(ADD, (64, 56)),
    }
    front = [(8, 8, 4, 8, 4, 8, 4, 4), (8, 8, 5, 5, 5, 5, 5, 5), (8, 8, 8, 4, 8, 4, 8, 8)]
    return build_run(problems, front)


@pytest.fixture
def noisy_run(run: StudyRun) -> StudyRun:
    """The small run of a study that also minimises the quantisation noise."""

    def design(point: DesignPoint) -> DesignPoint:
        return replace(point, objectives={**point.objectives, "noise": -6.0 * min(point.choice)})

    return replace(
        run,
        study=replace(run.study, objectives=("energy", "weight_memory", "noise")),
        front=tuple(design(p) for p in run.front),
        references=tuple(design(p) for p in run.references),
        baseline=design(run.baseline) if run.baseline else None,
        details=tuple(replace(d, point=design(d.point)) for d in run.details),
        explored=tuple((*values[:2], -24.0) for values in run.explored),
    )


@pytest.fixture
def large_run() -> StudyRun:
    """54 layers and a front of 60 designs, as large as MobileNetV2's."""
    draw = random.Random(7)
    problems: dict[str, Problem] = {}
    for i in range(53):
        name = "stem" if i == 0 else f"b{1 + i // 3}.{'edp'[i % 3]}"
        channels = 16 * (1 + i // 4)
        problems[name] = Problem(CONV, (channels, channels, max(7, 112 // (1 + i // 9)), (1, 3)[i % 3 == 1]))
    problems["b17.sum"] = Problem(ADD, (320, 7))
    decisions = sum(len(p.operator.inputs) for p in problems.values())
    front = []
    for i in range(60):
        # activations widen as weights narrow: a front from one to the other
        narrow = 2 + 6 * i / 59
        front.append(
            tuple(
                8 if j < 2 else max(2, min(8, round((narrow if j % 2 else 10 - narrow) + draw.uniform(-1, 1))))
                for j in range(decisions)
            )
        )
    return build_run(problems, front, 40)


@pytest.fixture
def renamed(run: StudyRun) -> Callable[[str], StudyRun]:
    """The small run with a name put wherever a spec's author chooses one."""

    def rename(name: str) -> StudyRun:
        layer = replace(run.study.network.layers[0], name=name)
        network = replace(run.study.network, name=name, layers=(layer, *run.study.network.layers[1:]))
        precision = replace(
            run.study.precision,
            assignment=((name, run.study.precision.assignment[0][1]), *run.study.precision.assignment[1:]),
        )
        constraint = Only("wspad", frozenset(), Scope(frozenset({name})), name)
        study = replace(
            run.study,
            name=name,
            network=network,
            accelerator=replace(accelerator(name), name=name),
            precision=precision,
            constraints=(constraint,),
        )

        def design(point: DesignPoint) -> DesignPoint:
            return replace(
                point, label=point.label and name, layers=(replace(point.layers[0], name=name), *point.layers[1:])
            )

        details = tuple(
            replace(
                d, point=design(d.point), layers=(replace(d.layers[0], name=name, nest=f"dram: {name}"), *d.layers[1:])
            )
            for d in run.details
        )
        sources = tuple(replace(s, source=name) for s in run.provenance.energy_sources)
        provenance = replace(run.provenance, command=name, files=((name, name),), energy_sources=sources)
        assert run.baseline is not None
        return replace(
            run,
            study=study,
            front=tuple(design(p) for p in run.front),
            references=tuple(design(p) for p in run.references),
            baseline=design(run.baseline),
            details=details,
            dead=(DeadOption(name, run.dead[0].bits),),
            provenance=provenance,
            chosen_rule=name,
        )

    return rename
