"""What `verify` says about an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qdsl.diagnostics import Diagnostic
from qdsl.mapper.objective import RELATIVE_TOLERANCE

MOST_EXECUTED = 200_000
"""Operations of a layer up to which its mapping is executed: some ten seconds."""
_SOLVER_S = 10.0


@dataclass(frozen=True)
class Statement:
    """What was checked and what came out. about: 'spec', 'number', 'mapping', 'group', 'Z3', 'counts', 'execution' or
    'optimum'.

    findings: why it does not hold, () if it does.
    """

    about: str
    text: str
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Effort:
    """prove: whether the search is to run again. time_limit_s: for the search and for each question to Z3; None: no limit
    for the search. executed: operations of a layer up to which its mapping is executed."""

    prove: bool
    time_limit_s: float | None
    executed: int = MOST_EXECUTED

    @property
    def solver_s(self) -> float:
        return _SOLVER_S if self.time_limit_s is None else self.time_limit_s


def refused(about: str, code: str, message: str, notes: Sequence[str] = ()) -> Statement:
    """The statement that something does not hold."""
    return Statement(about, "does not hold", (Diagnostic(code, message, None, notes=tuple(notes)),))


def close(a: float, b: float) -> bool:
    """Whether two energies, or products with them, are the same number but for the order of additions."""
    return abs(a - b) <= RELATIVE_TOLERANCE * abs(b)
