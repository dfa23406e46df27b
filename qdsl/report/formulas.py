"""Formulas in a report: HTML with subscripts, or LaTeX between dollar signs in Markdown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from markupsafe import Markup, escape

from qdsl.report.markdown import Verbatim
from qdsl.report.quantities import MINUS, THIN
from qdsl.symbolic.notation import LATEX, TEXT, Factors, write


def _symbol(dim: str, place: str, number: int) -> str:
    return f"{escape(dim)}<sub>{escape(place)}{f',{number}' if number > 1 else ''}</sub>"


HTML = replace(
    TEXT,
    symbol=_symbol,
    times=THIN,
    minus=f" {MINUS} ",
    power="{}<sup>{}</sup>",
    ceil="⌈{} / {}⌉",
    floor="⌊{} / {}⌋",
    less=" &lt; ",
)


def html_formula(formula: Any, factors: Factors) -> Markup:
    return Markup(write(formula, factors, HTML))


def markdown_formula(formula: Any, factors: Factors) -> Verbatim:
    return Verbatim(f"${write(formula, factors, LATEX)}$")
