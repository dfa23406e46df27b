"""`qdsl import`: specs from the files of other tools."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from qdsl.cli.console import Console
from qdsl.diagnostics import Diagnostic, Sink, SpecError, denied

NAME = "import"
HELP = "Write a spec from the files of another tool: a network of ONNX or PyTorch, or a case of Timeloop."
EXAMPLE = """example: qdsl import resnet.onnx --out resnet.qdsl
         qdsl import models:resnet
         qdsl import detector.onnx --shape image=1x3x416x416 --layers
         qdsl import arch.yaml ERT.yaml problem.yaml map.yaml --out case.qdsl

Networks: FILE.onnx, FILE.pt2 of `torch.export.save`, or MODULE:FUNCTION, which runs your code: the function returns a model
and the arguments of a call of it, as in `model, (image,)`. Widths of QuantizeLinear and of QONNX go into comments. A node
without a meaning in a network is an error that names it; with --layers, which writes no graph, one that only moves values
is a warning. Needs `pip install 'qdsl[onnx]'`, for PyTorch also `'qdsl[accuracy]'`.

YAML files of Timeloop, versions 0.2 to 0.4: one architecture, a problem and energies (an ERT, or `vector-access-energy`),
with a mapping or constraints or both, in any number of files. What has no meaning here is an error; what Timeloop's
counts do not depend on is left out with a warning. Without a mapping the spec is a study of the one choice of widths.
Needs `pip install 'qdsl[exchange]'`."""

_YAML = (".yaml", ".yml")
_NETWORKS = (".onnx", ".pt2")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="FILE")
    parser.add_argument("--out", metavar="SPEC", type=Path, help="the file to write, instead of stdout")
    parser.add_argument(
        "--shape",
        metavar="INPUT=1x3x224x224",
        type=_shape,
        action="append",
        default=[],
        help="of a network: the shape of an input that the file leaves open (may be repeated)",
    )
    parser.add_argument("--layers", action="store_true", help="of a network: list its layers without a graph")


def execute(args: argparse.Namespace, console: Console) -> int:
    text, warnings = _timeloop(args) if _suffixes(args.sources) <= set(_YAML) else _network(args)
    found = Sink(denied(warnings, console.deny))
    found.raise_if_errors()
    console.findings(found)
    if args.out is None:
        sys.stdout.write(text)
        return 0
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise SpecError([Diagnostic("Q0905", f"`{args.out}` cannot be written: {error.strerror}", None)]) from None
    console.note(f"written: {args.out}")
    return 0


def _suffixes(sources: Iterable[str]) -> set[str]:
    return {Path(s).suffix.lower() for s in sources}


def _timeloop(args: argparse.Namespace) -> tuple[str, Iterable[Diagnostic]]:
    from qdsl.exchange.timeloop import import_timeloop

    if args.shape or args.layers:
        raise SpecError(
            [Diagnostic("Q0980", "`--shape` and `--layers` are about networks, not files of Timeloop", None)]
        )
    imported = import_timeloop([Path(s) for s in args.sources])
    return imported.text, imported.warnings


def _network(args: argparse.Namespace) -> tuple[str, Iterable[Diagnostic]]:
    from qdsl.importers import import_network

    first, *more = args.sources
    for source in args.sources:
        if Path(source).suffix.lower() not in (*_YAML, *_NETWORKS) and ":" not in source:
            helps = (f"files that are read end in {', '.join((*_NETWORKS, *_YAML))}",)
            raise SpecError([Diagnostic("Q0980", f"`{source}` is of no kind that can be imported", None, helps=helps)])
    if more:
        raise SpecError([Diagnostic("Q0980", "a network is imported by itself, not with other files", None)])
    made = import_network(first, dict(args.shape), layers=args.layers)
    return made.text, made.findings


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`image=1x3x224x224`"""
    name, equals, sizes = text.rpartition("=")
    parts = sizes.split("x")
    if not (equals and name and all(p.isdecimal() and int(p) > 0 for p in parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not INPUT=SIZES, as in image=1x3x224x224")
    return name, tuple(map(int, parts))
