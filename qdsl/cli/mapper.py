"""The mapper that a command is to use."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, NoReturn

from qdsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from qdsl.model.mapper import MapperChoice
    from qdsl.model.study import Study

_SETTINGS = {
    "seed": "of a random or genetic mapper (default: 1)",
    "victory": "random: draws in a row without a better mapping that end it, 0 for none (default: 500)",
    "samples": "random: draws at most",
    "population": "genetic: mappings that survive a generation (default: 100)",
    "generations": "genetic (default: 100)",
}


def add_mapper_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mapper",
        choices=("exact", "random", "genetic"),
        help="exact; or without a proof: the best of uniform draws, or of a genetic algorithm (default: the study's)",
    )
    for name, text in _SETTINGS.items():
        parser.add_argument(f"--{name}", metavar="N", type=_setting(name), help=text)


def chosen_mapper(args: argparse.Namespace, study: Study | None) -> MapperChoice:
    """The mapper of the study, or another one, with the settings given.

    Raises SpecError for settings that the mapper does not have, one that nothing ends, and what only the exact one does.
    """
    from qdsl.model.mapper import EXACT, MAPPERS, ExactMapper, never_ends

    mapper: MapperChoice = EXACT if study is None else study.mapper
    if args.mapper is not None and args.mapper != mapper.name:
        mapper = next(kind() for kind in MAPPERS if kind.name == args.mapper)
    given = {name: getattr(args, name) for name in _SETTINGS if getattr(args, name) is not None}
    own = [f.name for f in fields(mapper) if f.name in _SETTINGS]
    for name in given:
        if name not in own:
            _refuse(f"`--{name}` is no setting of the {mapper.name} mapper", *_help(own))
    if isinstance(mapper, ExactMapper):
        return mapper
    for option, on in (("front", args.front), ("imperfect", args.imperfect)):
        if on:
            _refuse(f"`--{option}` is for the exact mapper", "use `--mapper exact`")
    mapper = replace(mapper, **given)
    if args.time_limit is not None:
        mapper = replace(mapper, time_limit_s=args.time_limit)
    if never_ends(mapper):
        _refuse("`--victory 0` has no end", "give `--samples` or `--time-limit`, too")
    return mapper


def _help(own: list[str]) -> list[str]:
    return [f"it has {', '.join(f'`--{name}`' for name in own)}"] if own else ["choose another one with `--mapper`"]


def _refuse(text: str, *helps: str) -> NoReturn:
    raise SpecError([Diagnostic("Q0204", text, None, helps=helps)])


def _setting(name: str) -> Callable[[str], int]:
    def whole(text: str) -> int:
        from qdsl.model.mapper import RANGES

        low, high = RANGES[name]
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return whole
