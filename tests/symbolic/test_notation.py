"""How formulas are written."""

from __future__ import annotations

import pytest

from qdsl.symbolic.notation import LATEX, TEXT, escape_latex, write
from qdsl.symbolic.simplify import simplified
from qdsl.symbolic.symbols import (
    CeilDiv,
    DistinctSums,
    FreshSums,
    IfInnermost,
    PositivePart,
    Revisits,
    Unless,
    loop_symbol,
)

K, P, Q, R = (loop_symbol(d, place) for d, place in (("K", "glb"), ("P", "dram"), ("Q", "pe.x"), ("R", "pad")))
FACTORS = {"P_dram": ("P", "dram", 1), "K_glb": ("K", "glb", 1), "Q_pe_x": ("Q", "pe.x", 1), "R_pad": ("R", "pad", 1)}


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (K * P, "K_glb*P_dram"),
        (2 * K * (P + R - 1), "2*K_glb*(P_dram + R_pad - 1)"),
        (1 - Q, "1 - Q_pe.x"),
        (K * K, "K_glb^2"),
        (-K * P - R, "-K_glb*P_dram - R_pad"),
        (CeilDiv(K * P, 3), "ceil(K_glb*P_dram / 3)"),
        (CeilDiv(K + P, Q), "ceil((K_glb + P_dram) / Q_pe.x)"),
        (CeilDiv(K * P - Q + 1, Q), "floor(K_glb*P_dram / Q_pe.x)"),
        (R * PositivePart(R - Q), "R_pad*max(0, R_pad - Q_pe.x)"),
        (DistinctSums(2, Q, 3, R), "distinct(2*i + 3*j; i < Q_pe.x, j < R_pad)"),
        (FreshSums(1, 1, 1, Q, K, R), "new(i + K_glb*j; i < Q_pe.x, j < R_pad; moved by 1)"),
        (Unless(PositivePart(R - Q), K, P), "(K_glb if max(0, R_pad - Q_pe.x) = 0, else P_dram)"),
    ],
)
def test_a_formula_as_text(expression: object, text: str) -> None:
    assert write(expression, FACTORS, TEXT) == text


def test_a_formula_as_latex() -> None:
    expression = CeilDiv(K * (Q + R - 1), 2)
    latex = r"\lceil K_{\text{glb}} \cdot (Q_{\text{pe.x}} + R_{\text{pad}} - 1) / 2 \rceil"
    assert write(expression, FACTORS, LATEX) == latex


def test_symbols_of_a_second_loop_and_of_long_or_odd_names() -> None:
    assert TEXT.symbol("K", "glb", 2) == "K_glb_2"
    assert LATEX.symbol("K", "my_glb", 2) == r"K_{\text{my\_glb},2}"
    assert LATEX.symbol("rows", "glb", 1) == r"\text{rows}_{\text{glb}}"


def test_what_latex_would_read_is_escaped() -> None:
    assert escape_latex(r"a_b & 50% \x {y} ~ ^ # $") == (
        r"a\_b \& 50\% \textbackslash{}x \{y\} \textasciitilde{} \textasciicircum{} \# \$"
    )


@pytest.mark.parametrize(
    ("expression", "short"),
    [
        (Revisits(K, P * Q), K),
        (K + IfInnermost(P, 7 * K), K),
        (PositivePart(R - 1), R - 1),
        (K + PositivePart(1 - Q), K),
        (CeilDiv(1 - Q, Q), 0),
        (DistinctSums(1, Q, 1, R), Q + R - 1),
        (DistinctSums(K, Q, K, R), Q + R - 1),
        (DistinctSums(2, Q, 1, R), Q * R - (Q - 1) * PositivePart(R - 2)),
    ],
)
def test_the_order_of_loops_decides_what_is_innermost(expression: object, short: object) -> None:
    assert simplified(expression) == short
