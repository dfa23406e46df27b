"""Objects as specs: what is written is read as the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import qdsl
from qdsl.diagnostics import Sink, SourceFile
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.constraint import (
    Bits,
    Constant,
    Factor,
    Keep,
    Limit,
    Only,
    Operation,
    Order,
    Require,
    Same,
    Scope,
    Utilization,
)
from qdsl.model.mapper import GeneticMapper, MapperChoice, RandomMapper
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.network import Activation, Layer, Network
from qdsl.model.operator import Axis, Operator, Problem, Tensor, Term
from qdsl.model.precision import PrecisionSpace, WidthVariable
from qdsl.model.study import Model, Search, Study, WrittenMapping
from qdsl.model.units import quantity
from qdsl.model.width_formula import WidthFormula
from qdsl.resources import data_dir
from qdsl.syntax import format_source, parse
from qdsl.syntax.tree import Binary, Number
from qdsl.unparse import to_text
from qdsl.unparse.formulas import formula
from qdsl.unparse.tree_text import tree_text
from tests.support.features import featured_cases
from tests.support.grammar import Writer
from tests.support.nests import nests
from tests.support.strategies import Case
from tests.unparse.networks import networks

SPECS = sorted(data_dir("specs").rglob("*.qdsl"))
STUDIES = [p for p in SPECS if p.stem in ("mobilenet_v1_2023", "mobilenet_v2_simba")]
REFERENCE = re.findall(
    r"^```qdsl\n(.*?)^```$", (data_dir("grammar") / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


def read(text: str, directory: Path) -> Model:
    """The model of a text, through a file."""
    path = directory / "written.qdsl"
    path.write_text(text, encoding="utf-8")
    return load(path)


def plain(study: Study) -> Study:
    """Without the words of its constraints."""
    return replace(study, constraints=tuple(replace(c, text="") for c in study.constraints))


@pytest.mark.parametrize(
    "text",
    [*(p.read_text(encoding="utf-8") for p in SPECS), *REFERENCE],
    ids=[*(p.stem for p in SPECS), *(f"reference{i}" for i in range(len(REFERENCE)))],
)
def test_a_tree_is_written_as_text_that_parses_to_it(text: str) -> None:
    sink = Sink()
    tree = parse(SourceFile("first", text), sink)
    assert not sink.errors
    written = to_text(tree)
    assert parse(SourceFile("again", written), sink) == tree and not sink.errors
    assert format_source(written) == written
    assert [parse(SourceFile("one", tree_text(d)), sink).declarations for d in tree.declarations] == [
        (d,) for d in tree.declarations
    ]


@settings(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_any_tree_of_the_grammar_is_written_as_text_that_parses_to_it(random: Random) -> None:
    sink = Sink()
    tree = parse(SourceFile("first", Writer(random, depth=20).file()), sink)
    assert parse(SourceFile("again", tree_text(tree)), sink) == tree and not sink.errors


PARTS = [p for p in SPECS if p.parent.name != "studies"]


@pytest.mark.parametrize("path", [p for p in PARTS if p.stem in ("mpic", "pim")], ids=lambda p: p.stem)
def test_what_reads_a_table_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match=r"table `(rate|mac)` stands in a file"):
        to_text(load(path))


@pytest.mark.parametrize("path", [p for p in PARTS if p.stem not in ("mpic", "pim")], ids=lambda p: p.stem)
def test_the_parts_of_shipped_specs_come_back(path: Path, tmp_path: Path) -> None:
    model = load(path)
    written = read(to_text(model), tmp_path)
    assert written.accelerators == model.accelerators
    assert written.networks == model.networks
    assert written.mappings == model.mappings
    assert list(map(plain, written.studies)) == list(map(plain, model.studies))


@pytest.mark.parametrize(
    "path", [p for p in SPECS if p.stem in ("mobilenet_v1_2023", "mobilenet_v2_simba")], ids=lambda p: p.stem
)
def test_shipped_studies_come_back_alone(path: Path, tmp_path: Path) -> None:
    study = load(path).studies[0]
    written = read(to_text(study), tmp_path)
    assert plain(written.studies[0]) == plain(study)


@pytest.mark.parametrize("text", [t for t in REFERENCE if '"../' not in t])
def test_the_parts_of_the_language_reference_come_back(text: str, tmp_path: Path) -> None:
    model = read(text, tmp_path)
    for study in model.studies:
        if study.hardware:  # has no text
            with pytest.raises(ValueError, match="searches hardware parameters"):
                to_text(study)
        else:
            assert plain(read(to_text(study), tmp_path).studies[0]) == plain(study)
    parts: tuple[Accelerator | Network | WrittenMapping, ...] = (*model.accelerators, *model.networks, *model.mappings)
    written = read(to_text(*parts), tmp_path)
    assert (written.accelerators, written.networks) == (model.accelerators, model.networks)
    assert written.mappings == model.mappings


@settings(max_examples=10)
@given(networks())
def test_networks_of_blocks_come_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    place = tmp_path_factory.mktemp("network")
    (network,) = read(text, place).networks
    assert read(to_text(network), place).networks == (network,)


# What the generators make and a spec cannot say.
UNSAYABLE = "can have the unit pJ|is not kept here|forwards .* without sharing"


def written_and_read(case: Case, mapping: Mapping | None, place: Path) -> Model:
    layer = Layer("only", case.problem)
    parts: list[Network | Accelerator | WrittenMapping] = [Network("one", (layer,), (), ()), case.accelerator]
    if mapping is not None:
        bits = tuple((t.name, case.bits[t.name]) for t in case.problem.operator.tensors)
        parts.append(WrittenMapping("by_hand", "one", layer, case.accelerator, bits, mapping))
    try:
        text = to_text(*parts)
    except ValueError as error:
        assume(not re.search(UNSAYABLE, str(error)))
        raise
    return read(text, place)


@settings(max_examples=15)
@given(featured_cases())
def test_accelerators_of_all_features_come_back(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    model = written_and_read(case, None, tmp_path_factory.mktemp("machine"))
    assert model.accelerators == (case.accelerator,)
    assert model.networks[0].layers[0].problem == case.problem


@settings(max_examples=10)
@given(nests(max_operations=1000))
def test_mappings_come_back(tmp_path_factory: pytest.TempPathFactory, nest: tuple[Case, Mapping]) -> None:
    case, mapping = nest
    model = written_and_read(case, mapping, tmp_path_factory.mktemp("mapping"))
    assert model.mappings[0].mapping == mapping


# --- made in Python --------------------------------------------------------------------------


def axis(*terms: tuple[str, int]) -> Axis:
    return Axis(tuple(Term(d, c) for d, c in terms))


def matmul(stride: int = 1) -> Operator:
    tensors = (
        Tensor("I", (axis(("M", 1)), axis(("K", stride)))),
        Tensor("W", (axis(("K", 1)), axis(("N", 1))), is_weight=True),
        Tensor("O", (axis(("M", 1)), axis(("N", 1))), is_output=True),
    )
    return Operator("matmul", ("M", "N", "K"), tensors, "sum")


def machine(**changes: object) -> Accelerator:
    dram = StorageLevel("dram", 16, 4, None, None, AccessEnergy(512.0, 512.0, 512.0, 'a "data" sheet'))
    pad = StorageLevel(
        "pad", 16, 1, 256, frozenset({"I", "O"}), AccessEnergy(0.1, 1e-07, 3.5), optional=frozenset({"W"})
    )
    mac = ComputeUnit("mac", 2.2, throughput=WidthFormula(Operation("/", (Constant(16.0), Bits("weights")))))
    made = Accelerator("tiny", (dram, FanOut("pe", 4, 2, multicast=frozenset()), pad), mac, clock_hz=2e8)
    return replace(made, **changes)  # type: ignore[arg-type]


def network(stride: int = 1) -> Network:
    first = Layer("a", Problem(matmul(stride), (4, 8, 12)), (("I", "x"),), "relu")
    second = Layer("b.c", Problem(matmul(), (4, 2, 8)), (("I", "a"),))
    shapes = (("x", (4, 12 * stride - stride + 1), None), ("a", (4, 8), "a"), ("b.c", (4, 2), "b.c"))
    return Network("net", (first, second), tuple(Activation(*s) for s in shapes), ("b.c",))


def study(**changes: object) -> Study:
    variables = (
        WidthVariable("a.activations", "activations", ("a",), (4, 8)),
        WidthVariable("a.weights", "weights", ("a",), (2, 3, 4)),
        WidthVariable("b.c.activations", "activations", ("b.c",), (4, 8)),
        WidthVariable("b.c.weights", "weights", ("b.c",), (8,)),
    )
    assignment = (("a", (("I", 0), ("W", 1), ("O", 2))), ("b.c", (("I", 2), ("W", 3), ("O", None))))
    space = PrecisionSpace(variables, assignment, 8)
    made = Study("s", network(), machine(), space, (), ("energy", "noise"), Search(population=8), ("html",))
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_study_made_in_python_is_written_with_all_it_needs(golden: Callable[[str, str], None]) -> None:
    golden("study.qdsl", to_text(study()))


@pytest.mark.parametrize(
    "mapper", [RandomMapper(), RandomMapper(0, 10, 3, 0.25), GeneticMapper(8, 4, 2, 1e-3), GeneticMapper()], ids=str
)
def test_a_mapper_is_written_with_all_its_settings(mapper: MapperChoice, tmp_path: Path) -> None:
    assert read(to_text(study(mapper=mapper)), tmp_path).studies[0].mapper == mapper


MEASURED = """
operator flat {
  dims N, K, C, R, S
  weights W
  O[n, k] += I[n, c, r, s] * W[k, c, r, s]
}
network one {
  input image: 3 x 4 x 4
  fc = flat(image, K = 2)
  output fc
}
accelerator tiny {
  word 16 bit
  memory dram { energy read 64 pJ, write 64 pJ; source "example" }
  compute mac { energy 1 pJ; source "example" }
}
study s {
  map one onto tiny
  precision { weights in {2, 4} per layer; activations in {8} per layer; output 8 bit }
  minimize energy
  limit error <= 2.5 %
  search nsga2(population = 8)
  accuracy STATEMENT
}
"""


@pytest.mark.parametrize(
    "statement",
    [
        'train(epochs = 7, rate = 0.001, learned = lsq, per = tensor, stop = 3 %) on images from "photos"',
        'calibrate(samples = 17, ranges = mse, seed = 4) on images from "/photos" with weights "float.pt"',
    ],
)
def test_how_errors_are_measured_is_written(statement: str, tmp_path: Path) -> None:
    made = read(MEASURED.replace("STATEMENT", statement), tmp_path).studies[0]
    assert made.accuracy is not None and made.largest_error == 2.5
    (tmp_path / "elsewhere").mkdir()
    assert read(to_text(made), tmp_path / "elsewhere").studies[0] == made


def test_operators_that_differ_in_coefficients_become_one(tmp_path: Path) -> None:
    made = network(stride=3)
    written = to_text(made)
    assert "operator matmul(dilation = 1)" in written and "dilation = 3" in written
    assert read(written, tmp_path).networks == (made,)


def test_a_mapping_is_written_with_its_network(tmp_path: Path) -> None:
    net, places = network(), [(p, ()) for p in machine().places]
    places[0] = ("dram", (Loop("M", 4), Loop("N", 2), Loop("K", 12)))  # type: ignore[assignment]
    places[1] = ("pe.x", (Loop("N", 4),))  # type: ignore[assignment]
    mapping = Mapping(tuple(places), frozenset({("pad", "W")}))
    widths = (("I", 8), ("W", 4), ("O", 8))
    made = WrittenMapping("by_hand", "net", net.layers[0], machine(), widths, mapping)
    assert read(to_text(net, made), tmp_path).mappings == (made,)
    with pytest.raises(ValueError, match="unknown network `net`"):
        to_text(made)


ALL = Scope()
CONSTRAINTS = [
    Only("pe.x", frozenset({"M", "N"}), ALL, ""),
    Only("pad", frozenset(), ALL, ""),
    Order("pad", ("N", "K"), "innermost", ALL, ""),
    Keep("pad", frozenset({"W"}), False, ALL, ""),
    Require(Operation("<=", (Factor("pe.y", "K"), Constant(2.0))), Scope(operators=frozenset({"matmul"})), ""),
    Require(Operation("<=", (Factor("pad", "K"), Constant(-2.0))), ALL, ""),
    Only("pe.y", frozenset({"K"}), Scope(problems=frozenset({network().layers[0].problem})), ""),
    Limit("latency", "", 1e6, ALL, ""),
    Limit("energy", "", 1e9, ALL, ""),
    Limit("bandwidth", "pad", 2.5, ALL, ""),
    Same(Scope(problems=frozenset(x.problem for x in network().layers)), ""),
]


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=lambda c: type(c).__name__)
def test_constraints_come_back(constraint: object, tmp_path: Path) -> None:
    made = study(constraints=(constraint,))
    assert plain(read(to_text(made), tmp_path).studies[0]).constraints == (constraint,)


@given(st.floats(1e-9, 1))
def test_shares_come_back_exactly(share: float) -> None:
    written = formula(Operation("<=", (Utilization("pe"), Constant(share))))
    assert isinstance(written, Binary) and isinstance(written.right, Number)
    assert float(quantity(written.right).value) == share


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ((machine(), machine(clock_hz=1e6)), "two different parts `tiny`"),
        ((machine(compute=ComputeUnit("mac", float("nan"))),), "cannot be written as a number"),
        ((machine(compute=ComputeUnit("mac", WidthFormula(Bits("W")))),), "can have the unit pJ"),
        ((machine(name="two words"),), "cannot be written as a spec"),
        ((machine(hierarchy=machine().hierarchy[1:]),), "must begin with a memory"),
        ((study(constraints=(Only("pe.x", frozenset({"Z"}), ALL, ""),)),), "unknown dimension `Z`"),
        (
            (study(constraints=(Only("pe.x", frozenset(), Scope(operators=frozenset({"f"})), ""),)),),
            "unknown operator `f`",
        ),
        ((replace(network(), layers=network().layers[::-1]),), "."),
    ],
)
def test_what_no_spec_can_say_is_refused(parts: tuple[Accelerator | Network | Study, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        to_text(*parts)


def test_operators_that_constraints_name_can_be_added() -> None:
    extra = qdsl.loads("operator f { dims Z; O[z] = I[z] }").operators
    made = study(constraints=(Only("pe.x", frozenset({"Z"}), ALL, ""),))
    assert "operator f" in to_text(made, *extra)


@pytest.mark.slow
@settings(max_examples=150)
@given(networks())
def test_many_networks_of_blocks_come_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    place = tmp_path_factory.mktemp("network")
    (network,) = read(text, place).networks
    assert read(to_text(network), place).networks == (network,)
