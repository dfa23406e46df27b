"""The store: results survive, foreign and damaged files are refused and left as they are."""

from __future__ import annotations

import json
import multiprocessing
import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from qdsl.diagnostics import SpecError
from qdsl.mapper import Optimum
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.measured import Measured
from qdsl.study.codec import to_json
from qdsl.study.database import APPLICATION_ID
from qdsl.study.inventory import collect, entries, export
from qdsl.study.locks import Locks
from qdsl.study.store import About, Store

DAY = 86_400
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


def _litter(directory: Path) -> set[str]:
    """What lies there, but for the lock file."""
    return {p.name for p in directory.iterdir() if p.suffix != ".locks"}


def _overwritten(path: Path) -> None:
    with Store(path) as store:
        store.put((f"k{i}", Optimum("optimal", float(i))) for i in range(2000))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 6000] = b"\xff" * 6000
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("dear diary"), "not an SQLite database"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "not an SQLite database"),
        (_foreign_database, "of another program"),
        (_other_version, "version 99"),
        (_overwritten, "malformed|disk image|out of order|page|[Tt]ree"),
        (_truncated, "of its .* bytes"),
    ],
)
def test_a_foreign_or_damaged_file_is_refused_and_untouched(tmp_path: Path, make: object, reason: str) -> None:
    path = tmp_path / "store.sqlite"
    make(path)  # type: ignore[operator]
    before, files = path.read_bytes(), _litter(tmp_path)
    with pytest.raises(SpecError, match=reason) as caught:
        Store(path)
    assert [d.code for d in caught.value.diagnostics] == ["Q0901"]
    assert path.read_bytes() == before and _litter(tmp_path) == files


def test_a_store_truncated_anywhere_is_refused_and_untouched(tmp_path: Path) -> None:
    path, chance = tmp_path / "store.sqlite", random.Random(1)
    with Store(path) as store:
        store.put((f"k{i}", Optimum("optimal", float(i))) for i in range(500))
    whole = path.read_bytes()
    for length in (1, 16, 99, 100, 512, 4096, *(chance.randrange(1, len(whole)) for _ in range(60)), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(SpecError, match="Q0901"):
            Store(path)
        assert path.read_bytes() == whole[:length] and _litter(tmp_path) == {path.name}


def test_a_store_of_the_first_schema_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE results (key TEXT PRIMARY KEY, optimum TEXT NOT NULL, mapping TEXT) WITHOUT ROWID")
        db.execute("INSERT INTO results VALUES ('a', ?, NULL)", (json.dumps(to_json(ONE)),))
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    for _ in range(2):
        with Store(path) as store:
            assert store.optima(["a"]) == {"a": ONE}
            assert [(e.accelerator, e.candidates) for e in entries(store)] == [("", 1)]
            assert [row.bits for row in export(store)] == [None]
            assert store.errors(["a"]) == {}


def test_a_store_of_the_second_schema_is_extended(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        store.put([("a", ONE)])
        store.db.execute("DROP TABLE errors")
        store.db.execute("PRAGMA user_version = 2")
    for _ in range(2):
        with Store(path) as store:
            assert store.optima(["a"]) == {"a": ONE} and set(store.errors(["e"])) <= {"e"}
            store.put_error("e", Measured((2.0,)))


def test_a_longer_training_takes_the_place_of_a_shorter_one(tmp_path: Path) -> None:
    short, whole = Measured((9.0,)), Measured((9.0, 5.0), 6.0)
    with Store(tmp_path / "store.sqlite") as store:
        for measured, kept in ((short, short), (whole, whole), (short, whole)):
            store.put_error("a", measured)
            assert store.errors(["a", "b"]) == {"a": kept}
        assert store.error_count == 1
        store.db.execute("UPDATE errors SET solved = 1, used = 1")
        assert store.errors(["a"]) == {"a": whole}  # a use
        assert collect(store, None, 2 * DAY, delete=False).errors == 0
        assert collect(store, 2 * DAY, None, delete=True).errors == 1
        assert store.error_count == 0


ABOUT = About("d", "tiny", "fc", "linear", (("N", 2),), ((("W", 4),), (("W", 8),)))


def test_what_a_store_holds(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        store.put([("a", ONE), ("b", Optimum("infeasible", inf))], about=ABOUT)
        store.put([("c", ONE)], about=replace(ABOUT, digest="other", layer="conv", bits=((("W", 2),),)))
        listed = [(e.accelerator, e.layer, e.sizes, e.candidates, e.mappings) for e in entries(store)]
        assert listed == [("tiny", "fc", {"N": 2}, 2, 0), ("tiny", "conv", {"N": 2}, 1, 0)]
        rows = [(r.key, r.layer, r.bits, r.optimum.energy_pj) for r in export(store)]
        assert rows == [("a", "fc", {"W": 4}, 1.5), ("b", "fc", {"W": 8}, inf), ("c", "conv", {"W": 2}, 1.5)]


def _age(store: Store, key: str, solved_days: int, used_days: int) -> None:
    now = int(time.time())
    store.db.execute(
        "UPDATE results SET solved = ?, used = ? WHERE key = ?", (now - solved_days * DAY, now - used_days * DAY, key)
    )


def test_what_is_old_or_unused_is_deleted_when_asked_to(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        store.put([("old", ONE), ("used", ONE)], about=ABOUT)
        store.put([("new", ONE)], about=replace(ABOUT, digest="other", bits=((("W", 2),),)))
        store.put_counts("n", [(1,)])
        _age(store, "old", 50, 40)
        _age(store, "used", 50, 3)
        assert collect(store, 45 * DAY, None, delete=False).results == 2
        assert collect(store, 45 * DAY, 10 * DAY, delete=False).results == 1
        assert len(store) == 3
        found = collect(store, None, 10 * DAY, delete=True)
        assert (found.results, found.counts, found.kept) == (1, 0, 2)
        assert set(store.optima(["old", "used", "new"])) == {"used", "new"}
        # reading it has made it used today
        assert collect(store, None, DAY, delete=True).results == 0
        everything = collect(store, 0, 0, delete=True)
        assert (everything.results, everything.counts, everything.kept) == (2, 1, 0)
        assert store.db.execute("SELECT count(*) FROM questions").fetchone() == (0,)


def test_deleting_makes_the_file_smaller(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        store.put((f"k{i}", ONE) for i in range(5000))
        before, after = collect(store, 0, None, delete=True).bytes
        assert after < before / 5


def test_locks_hold_against_other_processes_and_end_with_them(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from qdsl.study.locks import Locks\n"
        "locks = Locks(Path(sys.argv[1])); print(locks.take('x'), locks.take('x'), flush=True); time.sleep(60)"
    )
    path = tmp_path / "store.sqlite"
    locks = Locks(path)
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "True True\n"
        assert not locks.take("x") and locks.take("y")
        holder.kill()
        holder.wait()
    assert locks.take("x")
    locks.close()


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
