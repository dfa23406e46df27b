"""Arguments in, exit code out: 0 fine, 1 the spec or the run failed, 2 wrong usage, 130 interrupted, 141 closed
pipe."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from qdsl.cli.console import Console
from qdsl.diagnostics import SpecError

INTERRUPTED = 130
CLOSED_PIPE = 141

# A module of this package each, called like its command.
_COMMANDS = (
    "check",
    "fmt",
    "explain",
    "eval",
    "map",
    "verify",
    "count",
    "run",
    "watch",
    "report",
    "store",
    "grammar",
    "bench",
    "lsp",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Findings go to stderr, results to stdout; nothing is raised."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        args = _parser(arguments).parse_args(arguments)
    except SystemExit as stop:  # argparse has printed help, the version or what is wrong
        return int(stop.code or 0)
    args.command_line = ["qdsl", *arguments]
    console = Console(args.color, getattr(args, "format", "text") == "json")
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


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """With all commands, or the one that the arguments begin with: the modules of the others need not be loaded."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colour of findings (auto: on terminals)"
    )
    parser = argparse.ArgumentParser(
        prog="qdsl",
        description="Mixed precision and mappings of neural networks on accelerators: proven optima from text specs.",
        epilog="example: qdsl run specs/studies/mobilenet_v1_eyeriss.qdsl",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    chosen = arguments[:1] if arguments and arguments[0] in _COMMANDS else _COMMANDS
    for command in (import_module(f"qdsl.cli.{name}") for name in chosen):
        sub = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.HELP,
            epilog=command.EXAMPLE,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[common],
            allow_abbrev=False,
        )
        command.add_arguments(sub)
        sub.set_defaults(execute=command.execute)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *args: object) -> None:
        from qdsl.study.provenance import version

        print(f"qdsl {version('qdsl')}")
        parser.exit()
