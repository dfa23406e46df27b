"""The store: results survive, foreign and damaged files are refused and left as they are."""

from __future__ import annotations

import multiprocessing
import sqlite3
from math import inf
from pathlib import Path

import pytest

from qdsl.diagnostics import SpecError
from qdsl.mapper import Optimum
from qdsl.model.mapping import Loop, Mapping
from qdsl.study.store import Store

ONE = Optimum("optimal", 1.5)


def test_results_and_mappings_survive_reopening(tmp_path: Path) -> None:
    mapping = Mapping((("dram", (Loop("K", 3),)), ("pe.x", ())))
    with Store(tmp_path / "deep" / "store.sqlite") as store:
        store.put([("a", ONE), ("b", Optimum("infeasible", inf))])
        store.put_mapping("a", mapping)
    with Store(tmp_path / "deep" / "store.sqlite") as store:
        assert store.optima(["a", "b", "c"]) == {"a": ONE, "b": Optimum("infeasible", inf)}
        assert store.mapping("a") == mapping
        assert store.mapping("b") is None and store.mapping("c") is None
        assert len(store) == 2


def test_more_keys_than_one_query_takes(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        store.put((f"k{i}", Optimum("optimal", float(i))) for i in range(1234))
        assert len(store.optima(f"k{i}" for i in range(2000))) == 1234


def test_the_first_result_of_a_key_stays(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        store.put([("a", ONE)])
        store.put([("a", Optimum("optimal", 9.0))])
        assert store.optima(["a"]) == {"a": ONE}


def _foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE diary (entry TEXT)")


def _other_version(path: Path) -> None:
    Store(path).__exit__(None, None, None)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _truncated(path: Path) -> None:
    with Store(path) as store:
        store.put((f"k{i}", Optimum("optimal", float(i))) for i in range(2000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("dear diary"), "not an SQLite database"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "not an SQLite database"),
        (_foreign_database, "of another program"),
        (_other_version, "version 99"),
        (_truncated, "malformed|disk image|out of order|page"),
    ],
)
def test_a_foreign_or_damaged_file_is_refused_and_untouched(tmp_path: Path, make: object, reason: str) -> None:
    path = tmp_path / "store.sqlite"
    make(path)  # type: ignore[operator]
    before = path.read_bytes()
    with pytest.raises(SpecError, match=reason) as caught:
        Store(path)
    assert [d.code for d in caught.value.diagnostics] == ["Q0901"]
    assert path.read_bytes() == before


def test_a_damaged_row_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        store.put([("a", ONE)])
    with sqlite3.connect(path) as db:
        db.execute("UPDATE results SET optimum = '{'")
    with Store(path) as store, pytest.raises(SpecError, match="Q0901"):
        store.optima(["a"])


def test_a_place_that_cannot_hold_files_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match="Q0902"):
        Store(tmp_path / "file" / "store.sqlite")
    with pytest.raises(SpecError, match="Q0902"):
        Store(tmp_path)


def _write_many(path: Path, prefix: str) -> None:
    with Store(path) as store:
        for i in range(50):
            store.put([(f"{prefix}{i}", Optimum("optimal", float(i))), (f"shared{i}", ONE)])


def test_two_processes_may_create_and_fill_one_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(path, p)) for p in ("x", "y", "z")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [p.exitcode for p in processes] == [0, 0, 0]
    with Store(path) as store:
        assert len(store) == 200
