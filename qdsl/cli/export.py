"""`qdsl export`: files for other tools."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.cli.arguments import bits, positive_seconds
from qdsl.cli.console import Console
from qdsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from qdsl.diagnostics import Span
    from qdsl.model.accelerator import Accelerator
    from qdsl.model.mapping import Mapping as LayerMapping
    from qdsl.model.network import Layer
    from qdsl.model.study import Model

NAME = "export"
HELP = "Write a layer, its accelerator and its mapping as files of Timeloop."
EXAMPLE = """example: qdsl export timeloop specs/examples/first.qdsl --layer conv --out qdsl-out/timeloop
         timeloop-model arch.yaml ERT.yaml problem.yaml map.yaml

A file with a study: the best mapping of the layer under its constraints, at the widest bit-widths it allows unless --bits
says otherwise. With --mapping: a mapping block as it is written. Widths are read by the mixed-quantization fork of Timeloop;
without it every value takes a word. What the files cannot say is an error: they are read again, and mean the same numbers.
Needs `pip install 'qdsl[exchange]'`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tool", choices=("timeloop",))
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--layer", metavar="NAME", help="the layer, if there are several")
    parser.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of tensors")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    parser.add_argument("--mapping", metavar="NAME", help="a mapping block, instead of the best mapping")
    parser.add_argument("--time-limit", metavar="SECONDS", type=positive_seconds, help="to find the best mapping")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="the folder of the files")


@dataclass(frozen=True)
class _Mapped:
    layer: Layer
    accelerator: Accelerator
    bits: Mapping[str, int]
    mapping: LayerMapping
    span: Span | None


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked
    from qdsl.exchange.timeloop import export_timeloop

    model = checked(args.file, console)
    found = _written(model, args) if args.mapping or not model.studies else _best(model, args)
    files = export_timeloop(found.accelerator, found.layer.problem, found.bits, found.mapping, found.span)
    _write(args.out, files)
    console.note(f"{args.out}: {', '.join(files)}")
    return 0


def _written(model: Model, args: argparse.Namespace) -> _Mapped:
    from qdsl.cli.selection import mappings_of, with_widths
    from qdsl.symbolic import legality

    blocks = mappings_of(model, args.mapping)
    blocks = tuple(m for m in blocks if args.layer in (None, m.layer.name))
    if len(blocks) != 1:
        names = ", ".join(m.name for m in blocks)
        raise SpecError(
            [
                Diagnostic(
                    "Q0907",
                    f"{len(blocks)} mapping blocks fit",
                    None,
                    helps=(f"--mapping NAME{names and ': '}{names}",),
                )
            ]
        )
    (m,) = blocks
    widths = with_widths(m.layer, dict(m.bits), args.bits)
    if findings := legality(m.accelerator, m.layer.problem, widths, m.mapping, m.span):
        raise SpecError(findings)
    return _Mapped(m.layer, m.accelerator, widths, m.mapping, m.span)


def _best(model: Model, args: argparse.Namespace) -> _Mapped:
    from qdsl.cli.selection import layers_of, study_of, widest_bits, with_widths
    from qdsl.mapper import best_mapping
    from qdsl.study.saved import asked_by_study

    study = study_of(model, args.study)
    layers = layers_of(study, [args.layer] if args.layer else [])
    if len(layers) != 1:
        names = ", ".join(x.name for x in layers)
        raise SpecError(
            [Diagnostic("Q0907", f"{len(layers)} layers fit", None, helps=(f"--layer NAME, one of: {names}",))]
        )
    (layer,) = layers
    widths = with_widths(layer, widest_bits(study)[layer.name], args.bits)
    asked = asked_by_study(study, layer)
    answer = best_mapping(asked.accelerator, asked.problem, widths, asked.constraints, args.time_limit)
    if answer.mapping is None:
        raise SpecError([Diagnostic("Q0701", f"no mapping of `{layer.name}` was found: {answer.status}", layer.span)])
    return _Mapped(layer, asked.accelerator, widths, answer.mapping, study.span)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise SpecError([Diagnostic("Q0905", f"`{folder}` cannot be written: {error.strerror}", None)]) from None
