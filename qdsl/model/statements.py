"""The statements inside a block: which may stand there, each at most once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, TypeVar

from qdsl.diagnostics import Label
from qdsl.model.findings import fail, quoted
from qdsl.syntax.tree import (
    AccuracyStmt,
    AreaStmt,
    BandwidthStmt,
    BatchStmt,
    BitsStmt,
    ClockStmt,
    DoubleBufferedStmt,
    EnergyStmt,
    FlagStmt,
    KeepStmt,
    LeakageStmt,
    LetStmt,
    LevelsStmt,
    LimitStmt,
    MapAsStmt,
    MapperStmt,
    MapStmt,
    MayKeepStmt,
    MinimizeStmt,
    Node,
    OutputWidth,
    PackingStmt,
    PowerStmt,
    PrecisionBlock,
    ReportStmt,
    SearchStmt,
    SizeStmt,
    SourceStmt,
    TableStmt,
    ThroughputStmt,
    UseStmt,
    WidthStmt,
    WordStmt,
)

T = TypeVar("T", bound=Node)

_KEYWORDS: dict[type[Node], str] = {
    SizeStmt: "size",
    WordStmt: "word",
    WidthStmt: "width",
    PackingStmt: "packing",
    KeepStmt: "keep",
    MayKeepStmt: "may keep",
    BitsStmt: "bits",
    DoubleBufferedStmt: "double_buffered",
    LeakageStmt: "leakage",
    AreaStmt: "area",
    ThroughputStmt: "throughput",
    UseStmt: "use",
    TableStmt: "table",
    LetStmt: "let",
    PowerStmt: "power",
    EnergyStmt: "energy",
    BandwidthStmt: "bandwidth",
    SourceStmt: "source",
    ClockStmt: "clock",
    FlagStmt: "first_output_fills",
    BatchStmt: "batch",
    MapStmt: "map",
    LimitStmt: "limit",
    LevelsStmt: "levels",
    MapAsStmt: "map … as",
    PrecisionBlock: "precision",
    MinimizeStmt: "minimize",
    MapperStmt: "mapper",
    SearchStmt: "search",
    AccuracyStmt: "accuracy",
    ReportStmt: "report",
    OutputWidth: "output",
}


class Statements:
    """Statements of a block by type. Raises SpecError for one that is not allowed there or given twice."""

    def __init__(
        self, items: Iterable[Node], what: str, at: Node, *allowed: type[Node], several: Iterable[type[Node]] = ()
    ) -> None:
        """several: kinds that may be given more than once; `all` returns them."""
        self.what, self.at = what, at
        self._found: dict[type[Node], Node] = {}
        self._several: dict[type[Node], list[Node]] = {kind: [] for kind in several}
        allowed = (*allowed, *self._several)
        for item in items:
            keyword = _KEYWORDS[type(item)]
            if type(item) not in allowed:
                may = quoted(_KEYWORDS[a] for a in allowed)
                fail(
                    "Q0503",
                    f"{what} has no `{keyword}`",
                    item.span,
                    label="not allowed here",
                    helps=[f"allowed: {may}"],
                )
            if type(item) in self._several:
                self._several[type(item)].append(item)
                continue
            if first := self._found.get(type(item)):
                labels = [Label(first.span, "first one")]
                text = f"{what} has two `{keyword}` statements"
                fail("Q0503", text, item.span, label="second one", labels=labels, helps=["keep one of them"])
            self._found[type(item)] = item

    def get(self, kind: type[T]) -> T | None:
        item = self._found.get(kind)
        return item if isinstance(item, kind) else None

    def all(self, kind: type[T]) -> list[T]:
        return [item for item in self._several[kind] if isinstance(item, kind)]

    def need(self, kind: type[T], example: str) -> T:
        """The statement. Raises SpecError that shows the `example` if it is not there."""
        item = self.get(kind)
        return self.missing(kind, example) if item is None else item

    def missing(self, kind: type[Node], example: str) -> NoReturn:
        text = f"{self.what} has no `{_KEYWORDS[kind]}`"
        fail("Q0502", text, self.at.span, label=f"needs `{_KEYWORDS[kind]}`", helps=[f"for example `{example}`"])
