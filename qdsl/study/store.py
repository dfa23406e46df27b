"""Solved layers in one SQLite file, shared by runs and by processes.

Every result is committed when it arrives, so a killed run loses at most what was being solved. A file that is not a
store, or is damaged, is refused and left as it is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapper.result import Optimum
from qdsl.model.mapping import Mapping
from qdsl.study.codec import from_json, to_json

APPLICATION_ID = 0x7164736C  # 'qdsl'
SCHEMA = 1
BUSY_SECONDS = 60.0

_MAGIC = b"SQLite format 3\0"
_RESULTS = "CREATE TABLE results (key TEXT PRIMARY KEY, optimum TEXT NOT NULL, mapping TEXT) WITHOUT ROWID"
# A store of a qdsl that did not count has no such table.
_COUNTS = "CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, mappings TEXT NOT NULL) WITHOUT ROWID"
_BATCH = 500  # keys per query, below SQLite's limit on variables


class Store:
    """An open store. Raises SpecError when the file cannot serve as one (Q0901) or the disk refuses a write (Q0902).

    Use as a context manager. Results are immutable: the first one written for a key stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _refuse_foreign(path)
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            _prepare(self._db, path)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def optima(self, keys: Iterable[str]) -> dict[str, Optimum]:
        """What is known of the keys."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Optimum] = {}
        with _disk_errors(self.path):
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                rows = self._db.execute(f"SELECT key, optimum FROM results WHERE key IN ({marks})", batch)
                found.update((key, from_json(json.loads(text), Optimum)) for key, text in rows)
        return found

    def put(
        self, results: Iterable[tuple[str, Optimum]], mappings: MappingABC[str, Mapping] = MappingProxyType({})
    ) -> None:
        """Adds results in one transaction. mappings: by key, those that are known."""
        rows = [(key, json.dumps(to_json(optimum)), _text(mappings.get(key))) for key, optimum in results]
        with _disk_errors(self.path), self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO results (key, optimum, mapping) VALUES (?, ?, ?)", rows)

    def mapping(self, key: str) -> Mapping | None:
        """The best mapping of a solved layer if it has been recovered before."""
        with _disk_errors(self.path):
            row = self._db.execute("SELECT mapping FROM results WHERE key = ?", (key,)).fetchone()
            return from_json(json.loads(row[0]), Mapping) if row and row[0] else None

    def put_mapping(self, key: str, mapping: Mapping) -> None:
        """Adds the best mapping of a layer whose optimum is there."""
        with _disk_errors(self.path):
            self._db.execute("UPDATE results SET mapping = ? WHERE key = ?", (_text(mapping), key))

    def counts(self, key: str) -> list[tuple[int, ...]] | None:
        """Numbers of mappings, exact however large, if they have been counted before."""
        with _disk_errors(self.path):
            row = self._db.execute("SELECT mappings FROM counts WHERE key = ?", (key,)).fetchone()
            return [from_json(x, tuple[int, ...]) for x in json.loads(row[0])] if row else None

    def put_counts(self, key: str, counts: Sequence[tuple[int, ...]]) -> None:
        with _disk_errors(self.path):
            self._db.execute("INSERT OR IGNORE INTO counts (key, mappings) VALUES (?, ?)", (key, json.dumps(counts)))

    def __len__(self) -> int:
        with _disk_errors(self.path):
            return int(self._db.execute("SELECT count(*) FROM results").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _text(mapping: Mapping | None) -> str | None:
    return None if mapping is None else json.dumps(to_json(mapping))


def _refuse_foreign(path: Path) -> None:
    """Looks at the file without opening it for writing. An empty file is a store that another process is just
    creating."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise _refused(path, "it is not an SQLite database")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise _refused(path, "it is an SQLite database of another program")
    schema = int.from_bytes(header[60:64], "big")
    if schema != SCHEMA:
        raise _refused(path, f"its schema is version {schema}, this qdsl reads version {SCHEMA}")
    readonly = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        verdict = readonly.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # cannot be opened or is locked: about the disk, not about the content
        raise _refused(path, str(error)) from None
    finally:
        readonly.close()
    if verdict != "ok":
        raise _refused(path, verdict)


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Creates the schema in one transaction, before WAL is switched on, so that no other process sees half a store."""
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA application_id").fetchone()[0] == 0:
        db.execute(_RESULTS)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA}")
    db.execute(_COUNTS)
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Full disks, missing rights and damaged rows as diagnostics."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise SpecError([Diagnostic("Q0902", f"the result store `{path}` cannot be used: {error}", None)]) from None
    except (sqlite3.DatabaseError, ValueError) as error:
        raise _refused(path, str(error)) from None


def _refused(path: Path, reason: str) -> SpecError:
    return SpecError(
        [
            Diagnostic(
                "Q0901",
                f"`{path}` is not a usable result store: {reason}",
                None,
                notes=("the file was left as it is",),
                helps=("move it away to start with an empty store, or choose another directory with `--out`",),
            )
        ]
    )
