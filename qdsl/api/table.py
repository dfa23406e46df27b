"""Numbers in rows and columns, for people, notebooks and pandas."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.diagnostics.extras import not_installed

if TYPE_CHECKING:
    from pandas import DataFrame

Cell = str | int | float | bool | None

SHOWN = 40
"""Rows that a notebook shows; the table has all."""


@dataclass(frozen=True)
class Table:
    """columns: names, with the unit at the end where there is one (`energy_pj`). rows: a cell for every column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        """Rows by column."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def __getitem__(self, column: str) -> list[Cell]:
        """A column. Raises KeyError for one that there is not."""
        if column not in self.columns:
            raise KeyError(f"no column `{column}`; there are {', '.join(self.columns)}")
        at = self.columns.index(column)
        return [row[at] for row in self.rows]

    def to_pandas(self) -> DataFrame:
        """Raises SpecError that says how to install pandas, if it is not."""
        try:
            from pandas import DataFrame
        except ModuleNotFoundError as error:
            raise not_installed(error, "pandas", "a table of pandas") from None
        frame = DataFrame(list(self.rows), columns=list(self.columns))
        # whole numbers stay whole where some are missing
        return frame.astype({c: "Int64" for c in self.columns if _is_whole(self[c])})

    def to_csv(self) -> str:
        """With a line of names; what is missing is empty, a truth value `true` or `false`."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([str(c).lower() if isinstance(c, bool) else c for c in row] for row in self.rows)
        return out.getvalue()

    def write(self, path: str | Path) -> None:
        """Writes a file of the kind that its name ends with: `.csv`, `.json` (a list of objects) or `.parquet`.

        Raises SpecError (Q0905) if it cannot be written, and one that says how to install pyarrow, which Parquet needs.
        Raises ValueError for another ending.
        """
        path = Path(path)
        try:
            match path.suffix:
                case ".csv":
                    path.write_text(self.to_csv(), encoding="utf-8", newline="")
                case ".json":
                    path.write_text(json.dumps(list(self), allow_nan=False) + "\n", encoding="utf-8")
                case ".parquet":
                    self._write_parquet(path)
                case other:
                    raise ValueError(f"a table is written as .csv, .json or .parquet, not as `{other}`")
        except OSError as error:
            raise SpecError([Diagnostic("Q0905", f"`{path}` cannot be written: {error.strerror}", None)]) from None

    def _write_parquet(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ModuleNotFoundError as error:
            raise not_installed(error, "parquet", "a Parquet file") from None
        parquet.write_table(pyarrow.table({c: self[c] for c in self.columns}), path)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(c)}</th>" for c in self.columns)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows[:SHOWN])
        rest = len(self.rows) - SHOWN
        more = f"<p>and {rest:,} more rows</p>" if rest > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def html_facts(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """A heading and a table of names and values."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
    return f"<h4>{escape(title)}</h4><table><tbody>{rows}</tbody></table>"


def _is_whole(cells: Sequence[Cell]) -> bool:
    """Whether all are whole numbers, and some are missing."""
    return None in cells and {type(c) for c in cells} == {int, type(None)}


def _cell(value: Cell) -> str:
    if isinstance(value, bool) or value is None:
        return f"<td>{'' if value in (None, False) else 'yes'}</td>"
    if isinstance(value, str):
        return f"<td><pre>{escape(value)}</pre></td>" if "\n" in value else f"<td>{escape(value)}</td>"
    return f"<td>{value:,}</td>" if isinstance(value, int) else f"<td>{value:,.6g}</td>"
