"""`qdsl import`: networks of other tools as specs."""

from __future__ import annotations

import argparse
from pathlib import Path

from qdsl.cli.console import Console
from qdsl.cli.tables import counted
from qdsl.diagnostics import Diagnostic, Sink, SpecError, denied

NAME = "import"
HELP = "Write a network of another tool as a spec: an ONNX file, or a model of PyTorch."
EXAMPLE = """example: qdsl import resnet.onnx --out resnet.qdsl
         qdsl import exported.pt2
         qdsl import models:resnet
         qdsl import detector.onnx --shape image=1x3x416x416 --layers

MODULE:FUNCTION runs your code: the function returns a model and the arguments of a call of it, as in `model, (image,)`.
Needs the extra `onnx` of the package, and `accuracy` for PyTorch. Widths of QuantizeLinear and
of QONNX go into comments. A node without a meaning in a network is an error that names it; with --layers, which writes no
graph, one that only moves values is a warning."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="SOURCE", help="FILE.onnx; FILE.pt2 of torch.export; MODULE:FUNCTION, which is called"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="write to a file instead of the terminal")
    parser.add_argument(
        "--shape",
        metavar="INPUT=1x3x224x224",
        type=_shape,
        action="append",
        default=[],
        help="the shape of an input that the file leaves open (may be repeated)",
    )
    parser.add_argument("--layers", action="store_true", help="list the layers with their sizes, without a graph")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.importers import import_network

    made = import_network(args.source, dict(args.shape), layers=args.layers)
    found = Sink(denied(made.findings, console.deny))
    found.raise_if_errors()
    console.findings(found)
    if args.out is None:
        print(made.text, end="")
        return 0
    try:
        args.out.write_text(made.text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise SpecError([Diagnostic("Q0905", f"`{args.out}` cannot be written: {error.strerror}", None)]) from error
    console.note(f"{args.out}: {counted(len(made.network.layers), 'layer')}")
    return 0


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`image=1x3x224x224`"""
    name, equals, sizes = text.rpartition("=")
    parts = sizes.split("x")
    if not (equals and name and all(p.isdecimal() and int(p) > 0 for p in parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not INPUT=SIZES, as in image=1x3x224x224")
    return name, tuple(map(int, parts))
