"""`qdsl quantise`: bit-widths found by training the network of a study."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import columns, energy, memory

if TYPE_CHECKING:
    from qdsl.study.quantised import QuantisedRun

NAME = "quantise"
HELP = "Find bit-widths by training: per channel or per layer by gradients, or by the density of activations."
EXAMPLE = """example: qdsl quantise specs/studies/resnet8_digits_eyeriss.qdsl --method channelwise --prune

The study says which widths there are, on which data the network is trained, for how long, and what it is mapped on. The
directory gets the report, the numbers and a spec for every design, in which layers are split by channels."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import positive_int, strengths

    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    parser.add_argument("--out", metavar="DIR", type=Path, help="default: qdsl-out/STUDY-METHOD")
    parser.add_argument("--method", choices=("channelwise", "layerwise", "density"), default="channelwise")
    parser.add_argument(
        "--strengths",
        metavar="N,...",
        type=strengths,
        help="of the regulariser, one design each (default: 0.1,0.3,1,3,10)",
    )
    parser.add_argument(
        "--regulariser", choices=("size", "energy", "latency"), help="what is kept small (default: size of the weights)"
    )
    parser.add_argument("--epochs", metavar="N", type=positive_int, help="of the search (default: 10; density: 20)")
    parser.add_argument("--prune", action="store_true", help="channels may be taken out")
    parser.add_argument(
        "--workers", metavar="N", type=positive_int, help="processes that solve layers (default: cores)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the summary on stdout")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked, study_of

    gradients = args.method != "density"
    if not gradients and (args.strengths or args.regulariser):
        console.note("`--method density` has no regulariser: leave out `--strengths` and `--regulariser`")
        return 2
    study = study_of(checked(args.file, console), args.study)
    from qdsl.report.quantised import numbers, write_quantised
    from qdsl.study.quantised import Settings, quantise

    out_dir = args.out or Path("qdsl-out") / f"{study.name}-{args.method}"
    settings = Settings(
        args.method,
        args.strengths or Settings.strengths,
        args.regulariser or Settings.regulariser,
        args.epochs or (Settings.epochs if gradients else 2 * Settings.epochs),
        args.prune,
    )
    run = quantise(study, settings, out_dir, args.workers, console.note if not console.json else _silent)
    files = write_quantised(run, out_dir)
    if console.json:
        print_json({**numbers(run), "files": [str(f) for f in files]})
    else:
        print(summary_text(run))
        print(f"report: {files[0]}")
    return 0


def summary_text(run: QuantisedRun) -> str:
    rows = [
        [
            d.study.name + (" (front)" if d.on_front else ""),
            energy(d.energy_pj),
            memory(d.weight_memory_bits),
            f"{d.mean_bits:.2f}",
            f"{d.error:.2f} %",
            f"{d.test_error:.2f} %",
            *([f"{d.complexity:.2f}"] if d.complexity is not None else []),
        ]
        for d in run.designs
    ]
    complexity = ["training"] if run.settings.method == "density" else []
    head = f"without quantisation: {run.float_error:.2f} % errors, {run.float_test_error:.2f} % in the test"
    titles = ("design", "energy", "weights", "mean bits", "error", "test error", *complexity)
    return f"{head}\n\n{columns(titles, rows)}\n"


def _silent(text: str) -> None:
    """For output that a program reads."""
