"""How a formula is written: one writer for sympy expressions of this package, and a style per medium."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Symbol name -> (dimension, place, number among the loops over that dimension there) of the loop factor it stands for.
Factors = Mapping[str, tuple[str, str, int]]

_SUM, _PRODUCT, _ATOM = range(3)  # how tightly the outermost operation of a written formula binds


@dataclass(frozen=True)
class Style:
    """symbol: writes a loop factor (dimension, place, number). The others are patterns of `str.format`; for `distinct` and
    `fresh` the first field is the sum and the second the ranges of its indices, for `fresh` the third the shift."""

    symbol: Callable[[str, str, int], str]
    times: str
    minus: str
    power: str
    ceil: str
    floor: str
    positive: str
    distinct: str
    fresh: str
    less: str
    unless: str


def escape_latex(text: str) -> str:
    """Text with every character that LaTeX would read escaped."""
    return "".join(_LATEX.get(c, c) for c in text)


_LATEX = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "\n": " ",
}


def _latex_symbol(dim: str, place: str, number: int) -> str:
    letter = dim if len(dim) == 1 and dim.isascii() and dim.isalpha() else rf"\text{{{escape_latex(dim)}}}"
    return rf"{letter}_{{\text{{{escape_latex(place)}}}{f',{number}' if number > 1 else ''}}}"


TEXT = Style(
    symbol=lambda dim, place, number: f"{dim}_{place}" + (f"_{number}" if number > 1 else ""),
    times="*",
    minus=" - ",
    power="{}^{}",
    ceil="ceil({} / {})",
    floor="floor({} / {})",
    positive="max(0, {})",
    distinct="distinct({}; {})",
    fresh="new({}; {}; moved by {})",
    less=" < ",
    unless="({1} if {0} = 0, else {2})",
)

LATEX = Style(
    symbol=_latex_symbol,
    times=r" \cdot ",
    minus=" - ",
    power="{}^{{{}}}",
    ceil=r"\lceil {} / {} \rceil",
    floor=r"\lfloor {} / {} \rfloor",
    positive=r"\max(0, {})",
    distinct=r"\mathrm{{distinct}}({}; {})",
    fresh=r"\mathrm{{new}}({}; {}; {})",
    less=" < ",
    unless=r"({1} \text{{ if }} {0} = 0 \text{{, else }} {2})",
)


def write(expression: Any, factors: Factors, style: Style) -> str:
    """A count as text: a number, or a sympy expression in loop factors."""
    return _Writer(factors, style).written(expression)[0]


class _Writer:
    def __init__(self, factors: Factors, style: Style) -> None:
        self.factors, self.style = factors, style
        self.order = {name: (dim, i) for i, (name, (dim, _, _)) in enumerate(factors.items())}

    def written(self, e: Any) -> tuple[str, int]:
        """The text, and how tightly it binds."""
        if isinstance(e, int) or e.is_Integer:
            return str(e), _ATOM if e >= 0 else _SUM
        if e.is_Symbol:
            return self.style.symbol(*self.factors[e.name]), _ATOM
        if e.is_Add:
            return self._sum(e), _SUM
        if e.is_Mul:
            return self._product(e), _PRODUCT
        if e.is_Pow:
            return self.style.power.format(self._inside(e.base, _ATOM), e.exp), _ATOM
        return self._function(e), _ATOM

    def _inside(self, e: Any, least: int) -> str:
        text, binds = self.written(e)
        return text if binds >= least else f"({text})"

    def _sum(self, e: Any) -> str:
        """Terms with a plus first, numbers last."""
        out = ""
        for term in sorted(e.args, key=lambda t: (_negative(t), t.is_Integer, self._place(t))):
            if _negative(term):
                out += (self.style.minus if out else self.style.minus.strip()) + self._inside(-term, _PRODUCT)
            else:
                out += (" + " if out else "") + self._inside(term, _PRODUCT)
        return out

    def _product(self, e: Any) -> str:
        if _negative(e):
            return self.style.minus.strip() + self._inside(-e, _PRODUCT)
        return self.style.times.join(self._inside(f, _ATOM) for f in sorted(e.args, key=self._place))

    def _place(self, e: Any) -> tuple[Any, ...]:
        """Where a factor or term stands: numbers, loop factors by dimension from the outermost inwards, the rest."""
        if e.is_Integer:
            return 0, "", 0, ""
        if e.is_Symbol:
            return 1, *self.order[e.name], ""
        if e.is_Mul:
            return min(self._place(f) for f in e.args if not f.is_Integer)
        # what stands in brackets goes by its text, so that equal formulas are written alike
        return 2, "", 0, self.written(e)[0]

    def _function(self, e: Any) -> str:
        style, kind = self.style, type(e).__name__
        if kind == "CeilDiv":
            return self._quotient(*e.args)
        if kind == "PositivePart":
            return style.positive.format(self.written(e.args[0])[0])
        if kind == "DistinctSums":
            return style.distinct.format(*self._indexed(e.args))
        if kind == "FreshSums":
            shift, _, *terms = e.args
            return style.fresh.format(*self._indexed(terms), self.written(shift)[0])
        if kind == "Unless":
            return style.unless.format(*(self.written(a)[0] for a in e.args))
        raise TypeError(f"no way to write {kind}")

    def _quotient(self, a: Any, b: Any) -> str:
        """ceil(a / b), as the floor of (a + b - 1) / b where that is shorter."""
        rest = a + b - 1
        pattern, top = (self.style.floor, rest) if _terms(rest) < _terms(a) else (self.style.ceil, a)
        return pattern.format(self._inside(top, _PRODUCT), self._inside(b, _ATOM))

    def _indexed(self, terms: Any) -> tuple[str, str]:
        """`a*i + b*j` and `i < n, j < m` for the terms a, n, b, m."""
        names = "ijklmnop"[: len(terms) // 2]
        steps = [self._inside(step, _PRODUCT) for step in terms[::2]]
        total = " + ".join(i if s == "1" else f"{s}{self.style.times}{i}" for i, s in zip(names, steps, strict=True))
        ranges = [f"{i}{self.style.less}{self._inside(n, _PRODUCT)}" for i, n in zip(names, terms[1::2], strict=True)]
        return total, ", ".join(ranges)


def _negative(e: Any) -> bool:
    return bool(e.as_coeff_Mul()[0] < 0)


def _terms(e: Any) -> int:
    return len(e.args) if e.is_Add else 1
