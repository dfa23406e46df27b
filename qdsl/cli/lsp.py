"""`qdsl lsp`: the language server."""

from __future__ import annotations

import argparse
import sys

from qdsl.cli.console import Console
from qdsl.diagnostics.extras import not_installed

NAME = "lsp"
HELP = "Serve an editor over stdin and stdout by the Language Server Protocol."
EXAMPLE = """example: qdsl lsp

Editors start it: see grammar/README.md for VS Code, Neovim and Helix. It needs `pip install 'qdsl[lsp]'`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="what some editors ask for; there is no other channel")


def execute(args: argparse.Namespace, console: Console) -> int:
    try:
        from qdsl.lsp.serve import serve
    except ModuleNotFoundError as error:
        raise not_installed(error, "lsp", "the language server") from None
    if sys.stdin.isatty():
        console.note("this waits for an editor on stdin; Ctrl-D ends it")
    return serve()
