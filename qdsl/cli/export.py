"""`qdsl export`: files for other tools."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.cli.arguments import bits, positive_seconds
from qdsl.cli.console import Console
from qdsl.diagnostics import Diagnostic, Sink, SpecError, denied

if TYPE_CHECKING:
    from qdsl.diagnostics import Span
    from qdsl.model.accelerator import Accelerator
    from qdsl.model.mapping import Mapping as LayerMapping
    from qdsl.model.operator import Problem
    from qdsl.model.study import Model

NAME = "export"
HELP = "Write a layer, its accelerator and a mapping as files of Timeloop; of ZigZag and AccelForge without a mapping."
EXAMPLE = """example: qdsl export timeloop specs/examples/first.qdsl --layer conv --out qdsl-out/timeloop
         cd qdsl-out/timeloop && timeloop-model arch.yaml ERT.yaml problem.yaml map.yaml

A file with a study: one layer, at the widest bit-widths it allows unless --bits says otherwise. With --mapping: the layer of
a mapping block at its widths.
timeloop: also the mapping, that of the block or the best one under the constraints. What the files cannot say is an error:
they are read again, and mean the same numbers. The mixed-quantization fork of Timeloop reads the widths; without it every
value takes a word.
zigzag, accelforge: both search themselves. What their files have no word for is a warning, so their numbers may differ.
Needs `pip install 'qdsl[exchange]'`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tool", choices=("timeloop", "zigzag", "accelforge"))
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--layer", metavar="NAME", help="the layer, if there are several")
    parser.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of tensors")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    parser.add_argument("--mapping", metavar="NAME", help="a mapping block, instead of a study")
    parser.add_argument("--time-limit", metavar="SECONDS", type=positive_seconds, help="to find the best mapping")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="the folder of the files")


@dataclass(frozen=True)
class _Chosen:
    """What is exported. mapping: finds the mapping, which takes time."""

    name: str
    accelerator: Accelerator
    problem: Problem
    bits: Mapping[str, int]
    span: Span | None
    mapping: Callable[[], LayerMapping]


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked

    model = checked(args.file, console)
    chosen = _written(model, args) if args.mapping or not model.studies else _asked(model, args)
    files, warnings = _files(args.tool, chosen)
    found = Sink(denied(warnings, console.deny))
    found.raise_if_errors()
    console.findings(found)
    _write(args.out, files)
    console.note(f"{args.out}: {', '.join(files)}")
    return 0


def _files(tool: str, x: _Chosen) -> tuple[dict[str, str], Sequence[Diagnostic]]:
    from qdsl.exchange.accelforge import export_accelforge
    from qdsl.exchange.timeloop import export_timeloop
    from qdsl.exchange.zigzag import export_zigzag

    if tool == "timeloop":
        return export_timeloop(x.accelerator, x.problem, x.bits, x.mapping(), x.span), ()
    export = export_zigzag if tool == "zigzag" else export_accelforge
    return export(x.accelerator, x.name, x.problem, x.bits, x.span)


def _written(model: Model, args: argparse.Namespace) -> _Chosen:
    from qdsl.cli.selection import mappings_of, with_widths
    from qdsl.symbolic import legality

    blocks = mappings_of(model, args.mapping)
    fitting = [m for m in blocks if args.layer in (None, m.layer.name)]
    if len(fitting) != 1:
        raise _choose("mapping blocks", len(fitting), "--mapping NAME", [m.name for m in blocks])
    (m,) = fitting
    widths = with_widths(m.layer, dict(m.bits), args.bits)
    if findings := legality(m.accelerator, m.layer.problem, widths, m.mapping, m.span):
        raise SpecError(findings)
    return _Chosen(m.layer.name, m.accelerator, m.layer.problem, widths, m.span, lambda: m.mapping)


def _asked(model: Model, args: argparse.Namespace) -> _Chosen:
    from qdsl.cli.selection import layers_of, study_of, widest_bits, with_widths
    from qdsl.study.saved import asked_by_study

    study = study_of(model, args.study)
    layers = layers_of(study, [args.layer] if args.layer else [])
    if len(layers) != 1:
        raise _choose("layers", len(layers), "--layer NAME", [x.name for x in layers])
    (layer,) = layers
    widths = with_widths(layer, widest_bits(study)[layer.name], args.bits)
    asked = asked_by_study(study, layer)

    def best() -> LayerMapping:
        from qdsl.mapper import best_mapping

        answer = best_mapping(asked.accelerator, asked.problem, widths, asked.constraints, args.time_limit)
        if answer.mapping is None:
            message = f"no mapping of `{layer.name}` was found: {answer.status}"
            raise SpecError([Diagnostic("Q0701", message, layer.span)])
        return answer.mapping

    return _Chosen(layer.name, asked.accelerator, asked.problem, widths, study.span, best)


def _choose(what: str, count: int, option: str, names: Sequence[str]) -> SpecError:
    helps = (f"{option}, one of: {', '.join(names)}",)
    return SpecError([Diagnostic("Q0907", f"{count} {what} fit, one is exported", None, helps=helps)])


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise SpecError([Diagnostic("Q0905", f"`{folder}` cannot be written: {error.strerror}", None)]) from None
