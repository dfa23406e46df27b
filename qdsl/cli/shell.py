"""`qdsl shell`: what a shell and `man` want to know of the commands, made from their help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qdsl.cli.console import Console

NAME = "shell"
HELP = "Print a completion script for a shell, or the manual page."
EXAMPLE = """example: qdsl shell bash > ~/.local/share/bash-completion/completions/qdsl
         qdsl shell fish > ~/.config/fish/completions/qdsl.fish
         qdsl shell man > ~/.local/share/man/man1/qdsl.1

zsh: `source <(qdsl shell zsh)` in ~/.zshrc, behind compinit."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("bash", "zsh", "fish", "man"))


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.app import all_parsers

    parser, commands = all_parsers()
    lines = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    made = _man(parser, commands) if args.kind == "man" else lines[args.kind](commands)
    print("\n".join(made))
    return 0


@dataclass(frozen=True)
class _Option:
    """names: `--format`; choices: its values where they are listed; takes: whether a value follows."""

    names: tuple[str, ...]
    choices: tuple[str, ...]
    takes: bool
    help: str


def _options(parser: argparse.ArgumentParser) -> list[_Option]:
    """Without the positional arguments."""
    return [
        _Option(
            tuple(action.option_strings),
            tuple(map(str, action.choices or ())),
            action.nargs != 0,
            (action.help or "") % {"default": action.default, "prog": parser.prog},
        )
        for action in parser._actions
        if action.option_strings
    ]


def _choices(parser: argparse.ArgumentParser) -> list[str]:
    """Values that positional arguments are chosen from."""
    return [str(c) for a in parser._actions if not a.option_strings for c in a.choices or ()]


def _bash(commands: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    """Values of options that are not listed, and positional arguments, are completed as files."""
    yield "_qdsl() {"
    yield '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}" words=""'
    yield '  if [ "$COMP_CWORD" -eq 1 ]; then'
    yield f'    words="{" ".join(commands)} --help --version"'
    yield "  else"
    yield '    case "$command $before" in'
    for name, parser in commands.items():
        for option in _options(parser):
            patterns = " | ".join(f'"{name} {n}"' for n in option.names)
            if option.takes:
                yield f'      {patterns}) words="{" ".join(option.choices)}" ;;'
    yield '      *) case "$command" in'
    for name, parser in commands.items():
        known = [*_choices(parser), *(n for o in _options(parser) for n in o.names)]
        yield f'        {name}) words="{" ".join(known)}" ;;'
    yield "      esac ;;"
    yield "    esac"
    yield "  fi"
    yield '  COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield "}"
    yield "complete -o default -F _qdsl qdsl"


def _zsh(commands: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    """zsh reads completions of bash."""
    yield "autoload -U +X bashcompinit && bashcompinit"
    yield from _bash(commands)


def _fish(commands: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    for name, parser in commands.items():
        yield f"complete -c qdsl -n __fish_use_subcommand -a {name} -d {_quoted(parser.description or '')}"
        inside = f"complete -c qdsl -n '__fish_seen_subcommand_from {name}'"
        if choices := _choices(parser):
            yield f"{inside} -a {_quoted(' '.join(choices))}"
        for option in _options(parser):
            names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
            values = f" -x -a {_quoted(' '.join(option.choices))}" if option.choices else " -r" if option.takes else ""
            yield f"{inside} {names}{values} -d {_quoted(option.help)}"


def _quoted(text: str) -> str:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{plain}'"


def _man(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    """In roff."""
    from qdsl.study.provenance import version

    yield f'.TH QDSL 1 "" "qdsl {version("qdsl")}" "User Commands"'
    yield ".SH NAME"
    yield _roff(f"qdsl - {parser.description}")
    yield ".SH SYNOPSIS"
    yield ".B qdsl"
    yield "COMMAND [ARGUMENT ...]"
    yield ".SH COMMANDS"
    for name, command in commands.items():
        yield f".SS {name}"
        yield _roff(command.description or "")
        yield ".PP"
        yield _roff(" ".join(command.format_usage().removeprefix("usage: ").split()))
        for option in _options(command):
            yield ".TP"
            yield f".B {_roff(', '.join(option.names))}"
            yield _roff(option.help)
        yield ".PP"
        yield ".nf"
        yield from map(_roff, (command.epilog or "").splitlines())
        yield ".fi"
    yield ".SH EXIT STATUS"
    yield "0: fine. 1: the spec or the run failed. 2: wrong usage."


def _roff(text: str) -> str:
    """A line that begins with a dot or a quote is text, too."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", plain)
