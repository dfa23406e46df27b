"""Tables of numbers in files beside a spec: the columns but the last are keys, the last one holds values."""

from __future__ import annotations

import csv
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

from qdsl.model.constraint import Table
from qdsl.model.findings import fail
from qdsl.model.imports import read_text
from qdsl.model.units import Dimension, Quantity, quantity
from qdsl.syntax.tree import AcceleratorDecl, ComputeDecl, EngineDecl, File, Number, TableStmt

SUFFIX = ".csv"
ROWS_LIMIT = 4096


def table_path(stmt: TableStmt) -> str:
    """As printed, relative to the file that names it."""
    return str(Path(stmt.span.source.path).parent / stmt.path.value)


def table_statements(tree: File) -> Iterator[TableStmt]:
    parts = [d for d in tree.declarations if isinstance(d, AcceleratorDecl | EngineDecl)]
    blocks = [p.items for p in parts] + [i.statements for p in parts for i in p.items if isinstance(i, ComputeDecl)]
    yield from (s for block in blocks for s in block if isinstance(s, TableStmt))


def table_hashes(tree: File) -> dict[str, str | None]:
    """Of the tables that a file names: path as printed -> sha256 of the text, None if it cannot be read."""
    found: dict[str, str | None] = {}
    for stmt in table_statements(tree):
        path = table_path(stmt)
        found[path] = None
        with suppress(OSError):
            found[path] = None if _refused(stmt) else hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return found


def check_table(stmt: TableStmt) -> tuple[Table, Dimension]:
    """The table, and the dimension of its values. Raises SpecError if it cannot be read, or is none over all its keys."""
    shown, span = table_path(stmt), stmt.path.span
    if reason := _refused(stmt):
        helps = ['paths are relative to this file, with `/`, for example "../tables/macs.csv"']
        fail("Q0012", f"`{shown}` is not read: {reason}", span, helps=helps)
    header, *rows = _rows(stmt, read_text(shown, Path(shown), span))
    if len(header[1]) < 2:
        _misshapen(stmt, "has one column", "a table has at least one column of keys, and one of values")
    scale = _unit(stmt, header[1][-1])
    found: dict[tuple[int, ...], Fraction] = {}
    for line, cells in rows:
        if len(cells) != len(header[1]):
            _misshapen(stmt, f"has {len(cells)} cells in line {line}", f"its header has {len(header[1])}")
        key = tuple(_key(stmt, line, cell) for cell in cells[:-1])
        if key in found:
            _misshapen(stmt, f"has two rows for {_listed(key)}", f"the second one is line {line}")
        found[key] = _value(stmt, line, cells[-1]) * scale.value
    axes = tuple(tuple(sorted({key[i] for key in found})) for i in range(len(header[1]) - 1))
    for key in itertools.product(*axes):
        if key not in found:
            _misshapen(stmt, f"has no row for {_listed(key)}", "it needs one for every combination of its keys")
    values = tuple(float(found[key]) for key in itertools.product(*axes))
    return Table(stmt.name.name, axes, values), scale.dimension


def _refused(stmt: TableStmt) -> str:
    """Why the path of a table is not opened; '' if it may be."""
    if os.path.isabs(stmt.path.value) or any(c in stmt.path.value for c in "\\:\0"):
        return "it is no relative path"
    with suppress(OSError, RuntimeError):  # what cannot be resolved cannot be read, which is reported then
        if Path(table_path(stmt)).resolve().suffix != SUFFIX:
            return f"it leads to no `{SUFFIX}` file"
    return "" if stmt.path.value.endswith(SUFFIX) else f"it is no `{SUFFIX}` file"


def _rows(stmt: TableStmt, text: str) -> list[tuple[int, list[str]]]:
    """(line, cells) of the header and of at least one row; blank lines and those that begin with `#` are left out."""
    reader = csv.reader(text.splitlines())
    rows = [(reader.line_num, [c.strip() for c in row]) for row in reader if row and not row[0].startswith("#")]
    if not 2 <= len(rows) <= ROWS_LIMIT + 1:
        _misshapen(stmt, f"has {max(0, len(rows) - 1)} rows", f"a header and 1 to {ROWS_LIMIT} rows are wanted")
    return rows


def _unit(stmt: TableStmt, title: str) -> Quantity:
    """1 in the unit in brackets at the end of a title: `energy [fJ]`."""
    _, _, unit = title.rstrip("]").partition("[")
    return quantity(Number(span=stmt.path.span, text="1", unit=unit.strip() or None))


def _key(stmt: TableStmt, line: int, cell: str) -> int:
    if not cell.isdecimal() or len(cell) > 9:
        _misshapen(stmt, f"has the key `{cell[:40]}` in line {line}", "keys are whole numbers")
    return int(cell)


def _value(stmt: TableStmt, line: int, cell: str) -> Fraction:
    try:
        value = Fraction(str(float(cell)))
    except (ValueError, OverflowError):
        _misshapen(
            stmt, f"has the value `{cell[:40]}` in line {line}", "values are numbers; their unit stands in the header"
        )
    if value < 0:
        _misshapen(stmt, f"has a negative value in line {line}", "rates, energies and times are not negative")
    return value


def _misshapen(stmt: TableStmt, what: str, note: str) -> NoReturn:
    fail("Q0513", f"the table `{stmt.path.value}` {what}", stmt.path.span, notes=[note])


def _listed(key: tuple[int, ...]) -> str:
    return ", ".join(map(str, key))
