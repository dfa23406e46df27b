"""An explained mapping as a LaTeX document of its own."""

from __future__ import annotations

from collections.abc import Iterator

from qdsl.cli.explanation import energy_terms
from qdsl.cli.roofline import roofline_line
from qdsl.cli.tables import energy
from qdsl.symbolic import Explanation, Roofline
from qdsl.symbolic.explain import LevelPart, TensorPart
from qdsl.symbolic.notation import LATEX, escape_latex, write

_HEAD = r"""\documentclass[a4paper,10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage{amsmath}
\usepackage{booktabs}
\usepackage[margin=22mm]{geometry}
\setlength{\parindent}{0pt}
\raggedright
\begin{document}
"""


def latex_document(explained: Iterator[tuple[str, str, Explanation]]) -> str:
    """One section per explained mapping: (title, loop nest, explanation)."""
    body = [line for title, nest, x in explained for line in _section(title, nest, x)]
    return _HEAD + "\n".join(body) + "\n\\end{document}\n"


def _section(title: str, nest: str, x: Explanation) -> Iterator[str]:
    yield rf"\section*{{{escape_latex(title)}}}"
    loops = [escape_latex(line).replace(" ", "~") for line in nest.splitlines()]
    yield r"{\ttfamily " + r"\\ ".join(loops) + r"\par}" if loops else ""
    yield "Counts are words of one instance over the whole run, energies those of all instances."
    if x.factors:
        names = ", ".join(
            f"${LATEX.symbol(*factor)}$ of {escape_latex(factor[0])} at {escape_latex(factor[1])}"
            for factor in x.factors.values()
        )
        yield f"Loop factors: {names}."
    for level in x.levels:
        yield rf"\subsection*{{{_titled(level.name, level.energy_pj, x)}}}"
        for tensor in level.tensors:
            yield from _tensor(x, level, tensor)
    yield from _rest(x)


def _tensor(x: Explanation, level: LevelPart, t: TensorPart) -> Iterator[str]:
    yield rf"\paragraph{{{_titled(t.name, t.energy_pj, x)}}}"
    shape = r" \times ".join(str(n) for n in t.shape if n > 1) or "1"
    tile = ", ".join(f"{escape_latex(d)} {n}" for d, n in t.tile)
    product = f"{shape} = {t.values}" if " " in shape else shape
    yield rf"tile {tile + ': ' if tile else ''}${product}$ values of {escape_latex(t.packing)}"
    yield r"\begin{itemize}\itemsep0pt"
    for count in t.counts:
        formula = "" if count.formula is None else f"{write(count.formula, x.factors, LATEX)} = "
        yield rf"\item {count.kind}: ${formula}{count.value}$"
    for reason in t.reasons:
        yield rf"\item {reason.kind}: {escape_latex(reason.text)}"
    yield rf"\item energy: {_times(energy_terms(level, t))}"
    yield r"\end{itemize}"


def _rest(x: Explanation) -> Iterator[str]:
    e = x.evaluation
    yield r"\subsection*{Elsewhere}"
    yield r"\begin{tabular}{lrr}\toprule & energy & share \\ \midrule"
    rest = [
        *((f"hops of {name}", sum(pj for _, pj in tensors)) for name, _, tensors in x.networks),
        (x.compute[0], e.compute_energy_pj),
        *((("leakage", e.leakage_pj),) if e.leakage_pj else ()),
        ("total", e.energy_pj),
    ]
    for name, pj in rest:
        yield rf"{escape_latex(name)} & {energy(pj)} & {_percent(x.share(pj))} \\"
    yield r"\bottomrule\end{tabular}"
    yield r"\subsection*{Cycles}"
    yield escape_latex(roofline_line(x.roofline)) + r"\par\medskip"
    yield from _flows(x.roofline)


def _flows(r: Roofline) -> Iterator[str]:
    yield r"\begin{tabular}{lrrrrr}\toprule"
    yield r"& words & at most & cycles & used & operations \\ & & per cycle & & & per word \\ \midrule"
    units = f"{r.used_units} of {r.units} compute units"
    yield rf"{units} & & & {r.compute_cycles} & & \\"
    for flow in r.flows:
        limited = (
            f"{flow.bandwidth:g} & {flow.cycles:.0f} & {_percent(r.share(flow))}" if flow.bandwidth else "no limit & &"
        )
        intensity = f"{flow.intensity:.4g}" if flow.intensity else ""
        yield rf"{escape_latex(flow.name)} & {flow.words} & {limited} & {intensity} \\"
    yield r"\bottomrule\end{tabular}"


def _titled(name: str, pj: float, x: Explanation) -> str:
    return f"{escape_latex(name)}: {energy(pj)}, {_percent(x.share(pj))}"


def _percent(share: float) -> str:
    return rf"{share:.1%}".replace("%", r"\%")


def _times(text: str) -> str:
    return escape_latex(text).replace(" x ", r" $\times$ ")
