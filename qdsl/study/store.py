"""Solved layers in one SQLite file, shared by runs and by processes.

Every result is committed when it arrives, so a killed run loses at most what was being solved. A file that is not a
store, or is damaged, is refused and left as it is (see `database`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType

from qdsl.mapper.result import Optimum
from qdsl.model.mapping import Mapping
from qdsl.model.measured import Measured
from qdsl.study.codec import from_json, to_json
from qdsl.study.database import disk_errors, open_database, transaction
from qdsl.study.locks import Locks

_BATCH = 500  # keys per query, below SQLite's limit on variables
_DAY = 86_400  # seconds: uses are noted to the day, so that reading hardly ever writes


@dataclass(frozen=True)
class About:
    """What a batch of results is about, for people; results are found by their keys alone.

    digest: of the question without its bit-widths. accelerator, layer: names at the first time it was asked. sizes:
    (dimension, size). bits: (tensor, width) of each result of the batch.
    """

    digest: str
    accelerator: str
    layer: str
    operator: str
    sizes: tuple[tuple[str, int], ...]
    bits: tuple[tuple[tuple[str, int], ...], ...]


class Store:
    """An open store. Raises SpecError when the file cannot serve as one (Q0901) or the disk refuses a write (Q0902).

    Use as a context manager. Results are immutable: the first one written for a key stays. locks: see `locks`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with disk_errors(path):
            self.db = open_database(path)
            self.locks = Locks(path)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.locks.close()
        self.db.close()

    def optima(self, keys: Iterable[str]) -> dict[str, Optimum]:
        """What is known of the keys."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Optimum] = {}
        unused = []
        now = int(time.time())
        with disk_errors(self.path):
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                for key, text, used in self.db.execute(
                    f"SELECT key, optimum, used FROM results WHERE key IN ({marks})", batch
                ):
                    found[key] = from_json(json.loads(text), Optimum)
                    if used < now - _DAY:
                        unused.append((now, key))
            if unused:
                with transaction(self.db):
                    self.db.executemany("UPDATE results SET used = ? WHERE key = ?", unused)
        return found

    def put(
        self,
        results: Iterable[tuple[str, Optimum]],
        mappings: MappingABC[str, Mapping] = MappingProxyType({}),
        about: About | None = None,
    ) -> None:
        """Adds results in one transaction. mappings: by key, those that are known."""
        now = int(time.time())
        with disk_errors(self.path), transaction(self.db):
            question = self._question(about) if about else None
            bits = (_text(dict(b)) for b in about.bits) if about else None
            self.db.executemany(
                "INSERT OR IGNORE INTO results (key, optimum, mapping, question, bits, solved, used) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        key,
                        _text(to_json(optimum)),
                        _mapping_text(mappings.get(key)),
                        question,
                        next(bits) if bits else None,
                        now,
                        now,
                    )
                    for key, optimum in results
                ),
            )

    def _question(self, about: About) -> int:
        """The row that says what results are about."""
        self.db.execute(
            "INSERT OR IGNORE INTO questions (digest, accelerator, layer, operator, sizes) VALUES (?, ?, ?, ?, ?)",
            (about.digest, about.accelerator, about.layer, about.operator, _text(dict(about.sizes))),
        )
        return int(self.db.execute("SELECT id FROM questions WHERE digest = ?", (about.digest,)).fetchone()[0])

    def mapping(self, key: str) -> Mapping | None:
        """The best mapping of a solved layer if it has been recovered before."""
        with disk_errors(self.path):
            row = self.db.execute("SELECT mapping FROM results WHERE key = ?", (key,)).fetchone()
            return from_json(json.loads(row[0]), Mapping) if row and row[0] else None

    def put_mapping(self, key: str, mapping: Mapping) -> None:
        """Adds the best mapping of a layer whose optimum is there."""
        with disk_errors(self.path):
            self.db.execute("UPDATE results SET mapping = ? WHERE key = ?", (_mapping_text(mapping), key))

    def errors(self, keys: Iterable[str]) -> dict[str, Measured]:
        """What trainings of designs have come to, by key."""
        found = {}
        now = int(time.time())
        with disk_errors(self.path):
            for key in dict.fromkeys(keys):
                row = self.db.execute("SELECT measured, used FROM errors WHERE key = ?", (key,)).fetchone()
                if row:
                    found[key] = from_json(json.loads(row[0]), Measured)
                    if row[1] < now - _DAY:
                        self.db.execute("UPDATE errors SET used = ? WHERE key = ?", (now, key))
        return found

    def put_error(self, key: str, measured: Measured) -> None:
        """In place of a training that ended earlier, never of a longer one."""
        now = int(time.time())
        with disk_errors(self.path), transaction(self.db):
            known = self.errors([key]).get(key)
            if known is None or len(known.errors) < len(measured.errors):
                self.db.execute(
                    "INSERT OR REPLACE INTO errors (key, measured, solved, used) VALUES (?, ?, ?, ?)",
                    (key, _text(to_json(measured)), now, now),
                )

    @property
    def error_count(self) -> int:
        """Designs whose error is known."""
        with disk_errors(self.path):
            return int(self.db.execute("SELECT count(*) FROM errors").fetchone()[0])

    def counts(self, key: str) -> list[tuple[int, ...]] | None:
        """Numbers of mappings, exact however large, if they have been counted before."""
        with disk_errors(self.path):
            row = self.db.execute("SELECT mappings, used FROM counts WHERE key = ?", (key,)).fetchone()
            if not row:
                return None
            if row[1] < time.time() - _DAY:
                self.db.execute("UPDATE counts SET used = ? WHERE key = ?", (int(time.time()), key))
            return [from_json(x, tuple[int, ...]) for x in json.loads(row[0])]

    def put_counts(self, key: str, counts: Sequence[tuple[int, ...]]) -> None:
        now = int(time.time())
        with disk_errors(self.path):
            self.db.execute(
                "INSERT OR IGNORE INTO counts (key, mappings, solved, used) VALUES (?, ?, ?, ?)",
                (key, _text(counts), now, now),
            )

    def __len__(self) -> int:
        with disk_errors(self.path):
            return int(self.db.execute("SELECT count(*) FROM results").fetchone()[0])


def _mapping_text(mapping: Mapping | None) -> str | None:
    return None if mapping is None else _text(to_json(mapping))


def _text(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))
