"""`qdsl rule`: what a code means."""

from __future__ import annotations

import argparse
from typing import Any

from qdsl.cli.console import Console, print_json
from qdsl.diagnostics import Diagnostic, SpecError, did_you_mean
from qdsl.diagnostics.codes import CODES, FAMILIES, WARNINGS

NAME = "rule"
HELP = "Explain a code such as Q0412, with a wrong and a right example; without a code, list all."
EXAMPLE = "example: qdsl rule Q0412"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("codes", nargs="*", metavar="CODE")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.diagnostics.pages import page_of

    codes = [known_code(code) for code in dict.fromkeys(args.codes)]
    if console.json:
        print_json([_record(code) for code in codes or CODES])
    elif codes:
        print("\n".join(page_of(code).text.rstrip("\n") + "\n" for code in codes), end="")
    else:
        print(_listed())
    return 0


def known_code(text: str) -> str:
    """A code as it is declared, of `Q0412`, `q0412` or `412`. Raises SpecError for one that there is not."""
    code = f"Q{text:0>4}" if text.isdecimal() else text.upper()
    if code not in CODES:
        helps = did_you_mean(code, CODES) or ("`qdsl rule` lists all codes",)
        raise SpecError([Diagnostic("Q0201", f"there is no rule `{text}`", None, helps=helps)])
    return code


def _listed() -> str:
    lines = []
    for family, name in FAMILIES.items():
        lines += ["", f"{family} {name}"]
        lines += [f"  {c}  {t}{' (warning)' * (c in WARNINGS)}" for c, t in CODES.items() if c.startswith(family)]
    return "\n".join([*lines[1:], "", "`qdsl rule CODE` explains one of them"])


def _record(code: str) -> dict[str, Any]:
    from qdsl.diagnostics.pages import page_of

    page = page_of(code)
    level = "warning" if code in WARNINGS else "error"
    examples = {name: x.spec if x else None for name, x in (("wrong", page.wrong), ("right", page.right))}
    return {"code": code, "title": page.title, "level": level, "summary": page.summary, "text": page.text, **examples}
