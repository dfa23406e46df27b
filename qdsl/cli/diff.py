"""`qdsl diff`: what two versions of a spec mean differently."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import columns
from qdsl.diagnostics import Diagnostic, SpecError, did_you_mean

if TYPE_CHECKING:
    from qdsl.model.study import Model, Study
    from qdsl.study.compare import Figure

NAME = "diff"
HELP = "Say what changed in meaning between two versions of a spec: declarations, capacity, legal mappings, optimum."
EXAMPLE = """example: qdsl diff old.qdsl new.qdsl --fail-if 'energy_pj>+1%' --fail-if 'legal_mappings<-10%'

Layout and comments are no difference. For the study of both, the best mapping of every layer and the number of its
legal mappings at the widest bit-widths are compared, too; --quick leaves them out. --fail-if compares a figure of the
whole study with the old one, and makes the exit code 1."""

_LIMIT = re.compile(r"(?P<figure>\w+)\s*(?P<sign>[<>])\s*(?P<percent>[+-]?\d+(\.\d+)?)\s*%")


@dataclass(frozen=True)
class Limit:
    """A change that fails: of a figure by more (sign '>') or less than a share of the old one."""

    text: str
    figure: str
    sign: str
    share: float

    def is_broken(self, change: float) -> bool:
        return change > self.share if self.sign == ">" else change < self.share


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW")
    parser.add_argument("--study", metavar="NAME", help="the study, if the files have several")
    parser.add_argument("--quick", action="store_true", help="solve and count nothing")
    parser.add_argument(
        "--fail-if", metavar="FIGURE>+N%", type=_limit, action="append", default=[], help="may be repeated"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked
    from qdsl.study.compare import changed_meaning, compared_figures

    models = [checked(path, console) for path in (args.old, args.new)]
    lines = changed_meaning(*models)
    studies = _studies(models, args)
    figures = compared_figures(*studies, solve=not args.quick) if studies else ()
    if console.json:
        print_json({"changes": lines, "figures": [asdict(f) | {"change": f.change} for f in figures]})
    else:
        print("\n".join(lines) or "nothing changed in meaning")
        if figures:
            print(f"\n{_table(figures)}")
    broken = _broken(args.fail_if, figures)
    console.findings(broken)
    return 1 if broken else 0


def _studies(models: Sequence[Model], args: argparse.Namespace) -> tuple[Study, Study] | None:
    """The named study of both, or the only one of each; None if there is no such pair, and none is asked for."""
    from qdsl.cli.selection import study_of

    alone = all(len(m.studies) == 1 for m in models)
    if not (args.study or args.fail_if or alone):
        return None
    return study_of(models[0], args.study), study_of(models[1], args.study)


def _broken(limits: Sequence[Limit], figures: Sequence[Figure]) -> list[Diagnostic]:
    """Raises SpecError for a figure that is not compared."""
    whole = {f.name: f for f in figures if not f.layer}
    found = []
    for limit in limits:
        figure = whole.get(limit.figure)
        if figure is None or figure.change is None:
            helps = did_you_mean(limit.figure, whole) or (f"there are: {', '.join(whole)}",)
            raise SpecError([Diagnostic("Q0201", f"`{limit.figure}` is no figure of both specs", None, helps=helps)])
        if limit.is_broken(figure.change):
            text = f"`{limit.figure}` changes by {figure.change:+.2%}, which `--fail-if '{limit.text}'` excludes"
            found.append(Diagnostic("Q0973", text, None, notes=(f"it was {figure.old:,}, it is {figure.new:,}",)))
    return found


def _table(figures: Sequence[Figure]) -> str:
    rows = [[f.layer or "all", f.name, _number(f.old), _number(f.new), _change(f)] for f in figures]
    return columns(("layer", "figure", "old", "new", "change"), rows, left=2)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"


def _change(figure: Figure) -> str:
    if figure.change is None:
        return "-"
    return f"{figure.change:+.2%}" if figure.change else "="


def _limit(text: str) -> Limit:
    """`energy_pj>+1%`"""
    found = _LIMIT.fullmatch(text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIGURE>+N% or FIGURE<-N%, as in energy_pj>+1%")
    return Limit(text.strip(), found["figure"], found["sign"], float(found["percent"]) / 100)
