"""`qdsl grammar`: the grammar of the language."""

from __future__ import annotations

import argparse

from qdsl.cli.console import Console

NAME = "grammar"
HELP = "Print the grammar of the language, as EBNF or as the Lark grammar that it is made from."
EXAMPLE = "example: qdsl grammar > qdsl.ebnf"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("ebnf", "lark"), default="ebnf", help="default: ebnf")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.resources import data_dir
    from qdsl.syntax.ebnf import ebnf

    print(ebnf() if args.format == "ebnf" else (data_dir("grammar") / "qdsl.lark").read_text(encoding="utf-8"), end="")
    return 0
