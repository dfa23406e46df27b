"""Arguments in, exit code out: 0 fine, 1 the spec or the run failed, 2 wrong usage, 130 interrupted, 141 closed
pipe."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from qdsl.cli.arguments import denied_codes
from qdsl.cli.console import Console
from qdsl.cli.parsing import Parser
from qdsl.diagnostics import SpecError

INTERRUPTED = 130
CLOSED_PIPE = 141

# A module of this package each, called like its command.
_COMMANDS = (
    "check",
    "diff",
    "rule",
    "fmt",
    "explain",
    "eval",
    "map",
    "sensitivity",
    "verify",
    "count",
    "run",
    "quantise",
    "watch",
    "report",
    "schema",
    "store",
    "import",
    "export",
    "energies",
    "grammar",
    "bench",
    "lsp",
    "shell",
)
_MODULES = {"import": "importing"}  # of words that Python does not take for a module
_CHECKING = (
    "check",
    "diff",
    "explain",
    "eval",
    "map",
    "sensitivity",
    "count",
    "run",
    "import",
    "export",
    "quantise",
)  # they report all findings of a spec


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Findings go to stderr, results to stdout; nothing is raised."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parser, commands = _parsers(arguments)
        args, unknown = parser.parse_known_args(arguments)
        if unknown:
            commands[args.command].refuse(unknown)
    except SystemExit as stop:  # argparse has printed help, the version or what is wrong
        return int(stop.code or 0)
    args.command_line = ["qdsl", *arguments]
    deny = frozenset(code for codes in getattr(args, "deny", ()) for code in codes)
    console = Console(args.color, getattr(args, "format", "text") == "json", deny)
    try:
        code = int(args.execute(args, console))
        sys.stdout.flush()
        return code
    except SpecError as error:
        console.findings(error.diagnostics)
        return 1
    except KeyboardInterrupt:
        console.note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at exit; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except Exception as error:
        if os.environ.get("QDSL_DEBUG") == "1":
            raise
        console.note(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a defect of qdsl. Please report it with the files it read; QDSL_DEBUG=1 shows where it happened."
        )
        return 1


def all_parsers() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the command line, and that of each command by name."""
    return _parsers(())


def _parsers(arguments: Sequence[str]) -> tuple[Parser, dict[str, Parser]]:
    """The parser of the command line, and that of each command: all of them, or the one that the arguments begin with, so
    that the modules of the others need not be loaded."""
    common = Parser(add_help=False)
    common.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colour of findings (auto: on terminals)"
    )
    checking = Parser(add_help=False)
    checking.add_argument(
        "--deny",
        metavar="CODES",
        type=denied_codes,
        action="append",
        default=[],
        help="make warnings errors: their codes, as in Q0404,Q0420, or `warnings` for all",
    )
    parser = Parser(
        prog="qdsl",
        description="Mixed precision and mappings of neural networks on accelerators: proven optima from text specs.",
        epilog="example: qdsl run specs/studies/mobilenet_v1_eyeriss.qdsl",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="command")
    chosen = arguments[:1] if arguments and arguments[0] in _COMMANDS else _COMMANDS
    commands = {}
    for command in (import_module(f"qdsl.cli.{_MODULES.get(name, name)}") for name in chosen):
        sub = commands[command.NAME] = group.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.HELP,
            epilog=command.EXAMPLE,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[common, checking] if command.NAME in _CHECKING else [common],
            allow_abbrev=False,
        )
        command.add_arguments(sub)
        sub.set_defaults(execute=command.execute)
    return parser, commands


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *args: object) -> None:
        from qdsl.model.versions import LANGUAGE, text_of
        from qdsl.study.provenance import version

        print(f"qdsl {version('qdsl')}, language {text_of(LANGUAGE)}")
        parser.exit()
