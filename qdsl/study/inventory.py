"""What a store holds: listed, exported, and cleared of what is old or unused."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapper.result import Optimum
from qdsl.model.mapping import Mapping
from qdsl.study.codec import from_json
from qdsl.study.database import disk_errors, transaction
from qdsl.study.store import Store

_BYTES = "length(key) + length(optimum) + ifnull(length(mapping), 0) + ifnull(length(bits), 0)"
_RESULTS = "results r LEFT JOIN questions q ON q.id = r.question"
# An older qdsl has stored results without a question.
_NAMES = "ifnull(q.accelerator, ''), ifnull(q.layer, ''), ifnull(q.operator, ''), ifnull(q.sizes, '{}')"


@dataclass(frozen=True)
class Entry:
    """The candidates of one question: a layer on an accelerator under its constraints.

    accelerator, layer: as they were called when it was first asked; '' where an older qdsl has stored them. candidates:
    results, one per class of bit-widths; mappings: how many of them have their mapping too; bytes: of all. solved, used:
    the last time, in seconds since 1970; a use within a day of the one before is not noted.
    """

    accelerator: str
    layer: str
    operator: str
    sizes: dict[str, int]
    candidates: int
    mappings: int
    bytes: int
    solved: int
    used: int


@dataclass(frozen=True)
class Row:
    """One result as it is exported. bits: None where an older qdsl has stored it; the widths stand for their class."""

    key: str
    accelerator: str
    layer: str
    operator: str
    sizes: dict[str, int]
    bits: dict[str, int] | None
    optimum: Optimum
    mapping: Mapping | None
    solved: int
    used: int


@dataclass(frozen=True)
class Garbage:
    """results, counts, errors: rows that are old or unused; kept: results that are not; bytes: of the file, before and after
    (equal if nothing was deleted)."""

    results: int
    counts: int
    errors: int
    kept: int
    bytes: tuple[int, int]


def open_existing(path: Path) -> Store:
    """Raises SpecError (Q0902) when there is no file, besides what Store raises."""
    if not path.is_file():
        help_line = "`qdsl run FILE --out DIR` leaves its store in DIR"
        raise SpecError([Diagnostic("Q0902", f"there is no result store `{path}`", None, helps=(help_line,))])
    return Store(path)


def entries(store: Store) -> list[Entry]:
    """Everything that results are about, by accelerator and in the order in which it was first stored."""
    with disk_errors(store.path):
        rows = store.db.execute(
            f"SELECT {_NAMES}, count(*), count(r.mapping), sum({_BYTES}), max(r.solved), max(r.used) "
            f"FROM {_RESULTS} GROUP BY r.question ORDER BY q.accelerator, r.question"
        )
        return [Entry(a, layer, op, json.loads(sizes), *numbers) for a, layer, op, sizes, *numbers in rows]


def export(store: Store) -> Iterator[Row]:
    """All results by question and key; rows that are added meanwhile are left out."""
    with disk_errors(store.path):
        for a, layer, op, sizes, key, bits, optimum, mapping, *times in store.db.execute(
            f"SELECT {_NAMES}, r.key, r.bits, r.optimum, r.mapping, r.solved, r.used "
            f"FROM {_RESULTS} ORDER BY q.accelerator, r.question, r.key"
        ):
            widths = json.loads(bits) if bits else None
            best = from_json(json.loads(optimum), Optimum)
            nest = from_json(json.loads(mapping), Mapping) if mapping else None
            yield Row(key, a, layer, op, json.loads(sizes), widths, best, nest, *times)


def collect(store: Store, older_s: int | None, unused_s: int | None, delete: bool) -> Garbage:
    """What was solved before `older_s` seconds and not used for `unused_s`; None leaves a condition out.

    delete: whether it is deleted, and the file made smaller; otherwise nothing changes.
    """
    now = int(time.time())
    limits = {"solved": older_s, "used": unused_s}
    given = {name: now - seconds for name, seconds in limits.items() if seconds is not None}
    where = " AND ".join(f"{name} <= ?" for name in given) or "0"
    values = tuple(given.values())
    with disk_errors(store.path):
        before = _size(store)

        def count(table: str) -> int:
            return int(store.db.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()[0])

        found = {table: count(table) for table in ("results", "counts", "errors")}
        if delete:
            with transaction(store.db):
                for table in found:
                    found[table] = store.db.execute(f"DELETE FROM {table} WHERE {where}", values).rowcount
                store.db.execute(
                    "DELETE FROM questions WHERE id NOT IN (SELECT question FROM results WHERE question > 0)"
                )
            _shrink(store.db)
        kept = len(store) - (0 if delete else found["results"])
        return Garbage(found["results"], found["counts"], found["errors"], kept, (before, _size(store)))


def _shrink(db: sqlite3.Connection) -> None:
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _size(store: Store) -> int:
    """Bytes of the file with its log."""
    log = store.path.with_name(store.path.name + "-wal")
    return store.path.stat().st_size + (log.stat().st_size if log.exists() else 0)
