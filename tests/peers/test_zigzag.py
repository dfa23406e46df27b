"""ZigZag (PyPI `zigzag-dse`) and qdsl on the same mappings. README.md documents every difference; its numbers are tested.

`agree.qdsl` holds mappings on which all numbers are equal, `differ.qdsl` one for each difference. Without the package only
the numbers of qdsl are tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdsl.model import load
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Operator, Problem
from qdsl.model.study import WrittenMapping
from qdsl.symbolic import evaluate, legality
from qdsl.symbolic.result import Evaluation
from tests.peers import zigzag_model
from tests.peers.zigzag_model import Moves, PeerEvaluation
from tests.support.strategies import conv1d, depthwise, matmul, single_channel_conv

# What both evaluate; the widths are bits per tensor.
Case = tuple[Accelerator, Problem, dict[str, int], Mapping]

HERE = Path(__file__).parent
MACHINES = load(HERE / "machines.qdsl").accelerators
AGREE = {m.name: m for m in load(HERE / "agree.qdsl").mappings}
DIFFER = {m.name: m for m in load(HERE / "differ.qdsl").mappings}
REDUCED_AT_ONCE = [n for n, m in AGREE.items() if m.network == "reduced_at_once"]
SUMMED_IN_PLACE = [n for n in AGREE if n not in REDUCED_AT_ONCE]

# What a mapping of `differ.qdsl` needs besides itself.
OPTIONS: dict[str, dict[str, Any]] = {
    "held_operand": {"hold_read_values": True},
    "padded_plane": {"padding": {"P": (1, 1), "Q": (1, 1)}},
}


class Row(NamedTuple):
    """A number that README.md documents; tensor and level are empty for one of the whole mapping."""

    mapping: str
    quantity: str
    tensor: str
    level: str
    qdsl: str
    zigzag: str


ROW = re.compile(r"^\| `(\w+)` \| ([\w ]+?)(?: of (\w) at (\w+))? \| ([\d,.]+) \| ([\d,.]+) \|", flags=re.MULTILINE)
ROWS = [Row(*x) for x in ROW.findall((HERE / "README.md").read_text(encoding="utf-8"))]


@pytest.fixture(scope="session")
def zigzag() -> None:
    for module in ("zigzag.cost_model.cost_model", "zigzag.parser.workload_factory"):
        pytest.importorskip(module, reason="needs ZigZag: pip install '.[peers]'", exc_type=ImportError)


def case_of(written: WrittenMapping) -> Case:
    case = (written.accelerator, written.layer.problem, dict(written.bits), written.mapping)
    assert legality(*case, None) == []
    return case


def our_evaluation(written: WrittenMapping) -> Evaluation:
    return evaluate(*case_of(written))


def their_evaluation(written: WrittenMapping) -> PeerEvaluation:
    return zigzag_model.evaluate(*case_of(written), **OPTIONS.get(written.name, {}))


def our_accesses(ours: Evaluation, level: StorageLevel, tensor: str) -> Moves:
    """Over all instances, as ZigZag counts."""
    x = ours.level(level.name).tensor(tensor)
    reads, updates, fills = (x.instances * ceil(n / level.block_words) for n in (x.reads, x.updates, x.fills))
    return Moves(reads, updates, fills, drains=0)


def their_accesses(peer: PeerEvaluation, level: StorageLevel, tensor: str) -> Moves:
    """Without results sent outwards, and without reading sums that do not exist yet: its count of values leaves these
    out, that of accesses does not."""
    charged = replace(peer.accesses[level.name, tensor], drains=0)
    if tensor != "O":
        return charged
    moved, width = peer.moved_bits[level.name, tensor], level.word_bits * level.block_words
    return replace(charged, reads=ceil(moved.reads / width), fills=ceil(moved.fills / width))


def kept(accelerator: Accelerator, tensors: str) -> Iterator[tuple[StorageLevel, str]]:
    return ((level, tensor) for level in accelerator.levels for tensor in tensors if level.keeps(tensor))


def assert_same_counts(accelerator: Accelerator, ours: Evaluation, peer: PeerEvaluation, tensors: str = "IWO") -> None:
    for level, tensor in kept(accelerator, tensors):
        assert our_accesses(ours, level, tensor) == their_accesses(peer, level, tensor), (level.name, tensor)
    assert ours.cycles == peer.cycles
    assert ours.compute_energy_pj == pytest.approx(peer.compute_energy_pj, rel=1e-12)


def assert_same_energies(accelerator: Accelerator, ours: Evaluation, peer: PeerEvaluation, tensors: str) -> None:
    for level, tensor in kept(accelerator, tensors):
        energy_pj = ours.level(level.name).tensor(tensor).energy_pj
        charged = replace(peer.energy_pj[level.name, tensor], drains=0)
        assert energy_pj == pytest.approx(charged.total, rel=1e-12), (level.name, tensor)


@pytest.mark.usefixtures("zigzag")
@pytest.mark.parametrize("name", REDUCED_AT_ONCE)
def test_counts_and_energies_are_equal(name: str) -> None:
    accelerator = AGREE[name].accelerator
    ours, peer = our_evaluation(AGREE[name]), their_evaluation(AGREE[name])
    assert_same_counts(accelerator, ours, peer)
    assert_same_energies(accelerator, ours, peer, "IWO")
    for level, tensor in kept(accelerator, "IWO"):
        assert ours.level(level.name).tensor(tensor).words * level.word_bits == peer.held_bits[level.name, tensor]


@pytest.mark.usefixtures("zigzag")
@pytest.mark.parametrize("name", SUMMED_IN_PLACE)
def test_counts_are_equal_where_sums_return(name: str) -> None:
    accelerator = AGREE[name].accelerator
    ours, peer = our_evaluation(AGREE[name]), their_evaluation(AGREE[name])
    assert_same_counts(accelerator, ours, peer)
    assert_same_energies(accelerator, ours, peer, "IW")
    assert any(our_accesses(ours, level, "O").reads for level, _ in kept(accelerator, "O"))


def is_window(operator: Operator, dim: str) -> bool:
    return any(dim in axis.dims and len(axis.dims) > 1 for t in operator.inputs for axis in t.axes)


def places(accelerator: Accelerator, operator: Operator, dim: str, *, windows_move: bool) -> list[str]:
    """Where loops may stand so that nothing but sliding windows is counted differently: windows are not spread over
    memories, and sums not over memories that hold them. Without `windows_move` they lie whole in the innermost memory."""
    inside = list(accelerator.places)
    if is_window(operator, dim) and not windows_move:
        inside = inside[inside.index(accelerator.levels[-1].name) :]
    spread = is_window(operator, dim) or (dim not in operator.output.dims and accelerator.levels[-1].keeps("O"))
    return [p for p in inside if not (spread and p.startswith("pe."))]


@st.composite
def cases(draw: st.DrawFn, *, windows_move: bool) -> Case:
    """Any factors at any of these places in any order."""
    operator = draw(st.sampled_from([matmul(), conv1d(), single_channel_conv(), depthwise()]))
    accelerator = draw(st.sampled_from([a for a in MACHINES if a.name != "wide_sums"]))
    problem = Problem(operator, tuple(draw(st.sampled_from([2, 3, 4, 6, 8])) for _ in operator.dims))
    factors: dict[tuple[str, str], int] = {}
    for dim, size in zip(operator.dims, problem.sizes, strict=True):
        for prime in {4: [2, 2], 6: [2, 3], 8: [2, 2, 2]}.get(size, [size]):
            place = draw(st.sampled_from(places(accelerator, operator, dim, windows_move=windows_move)))
            factors[place, dim] = factors.get((place, dim), 1) * prime
    loops = {
        place: tuple(draw(st.permutations([Loop(d, f) for (p, d), f in factors.items() if p == place])))
        for place in accelerator.places
    }
    widths = st.integers(1, 16) if accelerator.name == "in_bits" else st.just(8)
    return accelerator, problem, {t: draw(widths) for t in "IWO"}, Mapping(tuple(loops.items()))


@pytest.mark.usefixtures("zigzag")
@settings(max_examples=200)
@given(cases(windows_move=False))
def test_random_mappings_are_counted_equally(case: Case) -> None:
    ours, peer = evaluate(*case), zigzag_model.evaluate(*case)
    assert_same_counts(case[0], ours, peer)
    assert_same_energies(case[0], ours, peer, "IW")


@pytest.mark.usefixtures("zigzag")
@settings(max_examples=200)
@given(cases(windows_move=True))
def test_windows_that_move_only_save_inputs(case: Case) -> None:
    ours, peer = evaluate(*case), zigzag_model.evaluate(*case)
    assert_same_counts(case[0], ours, peer, "WO")
    for level, tensor in kept(case[0], "I"):
        mine, other = our_accesses(ours, level, tensor), their_accesses(peer, level, tensor)
        assert mine.reads <= other.reads and mine.fills <= other.fills


def our_number(row: Row) -> float:
    written = DIFFER[row.mapping]
    ours = our_evaluation(written)
    if not row.level:
        return ours.cycles
    counts, memory = ours.level(row.level).tensor(row.tensor), written.accelerator.level(row.level)
    accesses = our_accesses(ours, memory, row.tensor)
    match row.quantity:
        case "pJ":
            return counts.energy_pj
        case "bits held":
            return counts.words * memory.word_bits
        case "bits read":
            return accesses.reads * memory.word_bits
        case way:
            return float(getattr(accesses, way))


def their_number(row: Row) -> float:
    peer, place = their_evaluation(DIFFER[row.mapping]), (row.level, row.tensor)
    match row.quantity:
        case "cycles":
            return peer.stalled_cycles
        case "cycles in all":
            return peer.latency
        case "pJ":
            return peer.energy_pj[place].total
        case "bits held":
            return peer.held_bits[place]
        case "bits read":
            return peer.moved_bits[place].reads
        case way:
            return float(getattr(peer.accesses[place], way))


def documented(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row[:4]).strip())
def test_our_side_of_a_difference(row: Row) -> None:
    assert our_number(row) == documented(row.qdsl) != documented(row.zigzag)


@pytest.mark.usefixtures("zigzag")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row[:4]).strip())
def test_their_side_of_a_difference(row: Row) -> None:
    assert their_number(row) == documented(row.zigzag)


def test_every_difference_is_documented() -> None:
    assert {row.mapping for row in ROWS} == set(DIFFER)
