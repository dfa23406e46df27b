"""The file of a store: opened if it is one, made if it is not there, refused and left as it is otherwise."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qdsl.diagnostics import Diagnostic, SpecError

APPLICATION_ID = 0x7164736C  # 'qdsl'
SCHEMA = 3
OLDEST = 1
BUSY_SECONDS = 60.0

_MAGIC = b"SQLite format 3\0"
_ALONE = "immutable=1"
# `questions` says what results are about, for people; only the key counts. Times are seconds since 1970.
_TABLES = """
CREATE TABLE questions (
  id INTEGER PRIMARY KEY, digest TEXT UNIQUE NOT NULL,
  accelerator TEXT NOT NULL, layer TEXT NOT NULL, operator TEXT NOT NULL, sizes TEXT NOT NULL);
CREATE TABLE results (
  key TEXT PRIMARY KEY, optimum TEXT NOT NULL, mapping TEXT,
  question INTEGER, bits TEXT, solved INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counts (
  key TEXT PRIMARY KEY, mappings TEXT NOT NULL, solved INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
"""
_ERRORS = """
CREATE TABLE errors (
  key TEXT PRIMARY KEY, measured TEXT NOT NULL, solved INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID
"""
# A store of schema 1 knows no times and may lack `counts`: its rows begin to age now.
_FROM_1 = """
CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, mappings TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE questions (
  id INTEGER PRIMARY KEY, digest TEXT UNIQUE NOT NULL,
  accelerator TEXT NOT NULL, layer TEXT NOT NULL, operator TEXT NOT NULL, sizes TEXT NOT NULL);
ALTER TABLE results ADD COLUMN question INTEGER;
ALTER TABLE results ADD COLUMN bits TEXT;
ALTER TABLE results ADD COLUMN solved INTEGER NOT NULL DEFAULT {now};
ALTER TABLE results ADD COLUMN used INTEGER NOT NULL DEFAULT {now};
ALTER TABLE counts ADD COLUMN solved INTEGER NOT NULL DEFAULT {now};
ALTER TABLE counts ADD COLUMN used INTEGER NOT NULL DEFAULT {now};
"""


def open_database(path: Path) -> sqlite3.Connection:
    """A connection in WAL mode and without implicit transactions. Raises SpecError (Q0901), OSError or sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _refuse_foreign(path)
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, also when the process is killed."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Full disks and missing rights (Q0902) and damaged rows (Q0901) as diagnostics."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise SpecError([Diagnostic("Q0902", f"the result store `{path}` cannot be used: {error}", None)]) from None
    except (sqlite3.DatabaseError, ValueError) as error:
        raise _refused(path, str(error)) from None


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
    if not OLDEST <= schema <= SCHEMA:
        raise _refused(path, f"its schema is version {schema}, this qdsl reads versions {OLDEST} to {SCHEMA}")
    how = _unchanging(path)
    verdict = _truncated(path, header) if how == _ALONE else ""
    verdict = verdict or _checked(path, how)
    if verdict != "ok" and how == _ALONE and _unchanging(path) != _ALONE:
        verdict = _checked(path, _unchanging(path))  # another process has begun to write meanwhile
    if verdict != "ok":
        raise _refused(path, verdict)


def _unchanging(path: Path) -> str:
    """How to open the file for a look that changes nothing: without any trace where nobody is at work on it."""
    if path.with_name(path.name + "-journal").exists():
        return "mode=rw"  # the process that made the store was killed: only a writer may take back what it began
    return "mode=ro" if path.with_name(path.name + "-wal").exists() else _ALONE


def _truncated(path: Path, header: bytes) -> str:
    """What is wrong with the length; SQLite would read a missing end as zeros."""
    page = int.from_bytes(header[16:18], "big")
    length = int.from_bytes(header[28:32], "big") * (65_536 if page == 1 else page)
    size = path.stat().st_size
    return f"it has {size:,} of its {length:,} bytes" if size < length else ""


def _checked(path: Path, how: str) -> str:
    """What SQLite says of the structure of the file, 'ok' at best. Raises sqlite3.OperationalError for a file that cannot be
    opened or is locked: that is about the disk, not about the content."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY_SECONDS)) as db:
        try:
            return str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            return str(error)


def _prepare(db: sqlite3.Connection) -> None:
    """Creates or extends the schema in one transaction, before WAL is switched on, so that no other process sees half a
    store."""
    if db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
        with transaction(db):
            schema = db.execute("PRAGMA user_version").fetchone()[0]  # another process may have been first
            script = {0: _TABLES, 1: _FROM_1.format(now=int(time.time()))}.get(schema, "")
            script += _ERRORS if schema < SCHEMA else ""
            for statement in filter(str.strip, script.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA}")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")


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
