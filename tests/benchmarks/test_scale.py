"""What a million candidates take: solving, the store, the search. A candidate is a layer at bit-widths that differ in cost.

Each test says in its `extra_info` what it comes to per candidate (`--benchmark-json FILE` keeps them).
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from qdsl.mapper.result import Optimum
from qdsl.model import load
from qdsl.resources import data_dir
from qdsl.study.keys import digest
from qdsl.study.progress import Silent
from qdsl.study.store import About, Store
from qdsl.study.tables import build_tables

ROWS = 1_000_000
BATCH = 125  # of one layer: five classes of widths for each of three tensors
ONE = Optimum("optimal", 184833809.40991998, (("pe.x", "K", 5), ("pe.y", "K", 5), ("pe.y", "C", 2)))


def _about(number: int) -> About:
    bits = tuple((("I", i), ("W", w), ("O", o)) for i in range(5) for w in range(5) for o in range(5))
    return About(digest(number), "eyeriss", f"layer{number}", "conv2d", (("N", 1), ("K", 512), ("C", 512)), bits)


def _fill(store: Store, rows: int) -> None:
    for number in range(rows // BATCH):
        keys = (digest([number, i]) for i in range(BATCH))
        store.put(((key, ONE) for key in keys), about=_about(number))


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("million") / "store.sqlite"
    with Store(path) as store:
        _fill(store, ROWS)
    return path


@pytest.mark.parametrize("machine", ["eyeriss", "simba"])
def test_candidates_on_one_core(machine: str, tmp_path: Path, benchmark: Any) -> None:
    study = load(data_dir("specs") / "studies" / f"mobilenet_v1_{machine}.qdsl").studies[0]
    number, spent, solved = count(), [], []

    def solve() -> None:
        start = process_time()
        with Store(tmp_path / f"{next(number)}.sqlite") as store:
            solved.append(build_tables(study, store, Silent(), workers=1).solved)
        spent.append(process_time() - start)

    benchmark.pedantic(solve, rounds=2)
    benchmark.extra_info["candidates"] = solved[0]
    benchmark.extra_info["ms of one core per candidate"] = 1000 * min(spent) / solved[0]


def test_storing(tmp_path: Path, benchmark: Any) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        numbers = iter(range(10**9))

        def put() -> None:
            number = next(numbers)
            store.put(((digest([number, i]), ONE) for i in range(BATCH)), about=_about(number))

        benchmark.pedantic(put, rounds=400)
        benchmark.extra_info["candidates per put"] = BATCH


def test_opening_a_million(million: Path, benchmark: Any) -> None:
    benchmark.extra_info["bytes per candidate"] = million.stat().st_size / ROWS

    def opened() -> None:
        with Store(million):
            pass

    benchmark.pedantic(opened, rounds=3)


def test_reading_a_million(million: Path, benchmark: Any) -> None:
    keys = [digest([number, i]) for number in range(ROWS // BATCH) for i in range(BATCH)]
    with Store(million) as store:
        found = benchmark.pedantic(store.optima, args=(keys,), rounds=1)
    assert len(found) == ROWS
