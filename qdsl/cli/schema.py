"""`qdsl schema`: the form of results."""

from __future__ import annotations

import argparse

from qdsl.cli.console import Console, print_json

NAME = "schema"
HELP = "Print the JSON Schema of run.json, which a run leaves with all of its numbers."
EXAMPLE = "example: qdsl schema > run.schema.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.study.schema import run_schema

    print_json(run_schema())
    return 0
