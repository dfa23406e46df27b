"""`qdsl bench`: mappers side by side."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import columns, counted

if TYPE_CHECKING:
    from qdsl.study.bench import Bench
    from qdsl.study.saved import Asked

NAME = "bench"
HELP = "Compare mappers: the quality of their best mapping over time, beside the proven optimum."
EXAMPLE = """example: qdsl bench mapper specs/studies/mobilenet_v1_eyeriss.qdsl --layers stem,b3.p --time-limit 5

Every distinct layer of the studies (of the mapping blocks, in a file without a study) at its widest bit-widths, under its
constraints: the exact mapper once, uniform random and genetic search with several seeds until their time is up, one after
the other. The directory gets bench.html, bench.svg (one picture), bench.json and bench.csv."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import objective, positive_int, positive_seconds

    parser.add_argument("what", choices=("mapper",))
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument("--layers", metavar="NAME,...", type=_names, default=(), help="only these")
    parser.add_argument("--objective", metavar="QUANTITY", type=objective, default="energy", help="as of `qdsl map`")
    parser.add_argument("--seeds", metavar="N", type=positive_int, default=3, help="1 to N (default: 3)")
    parser.add_argument(
        "--time-limit", metavar="SECONDS", type=positive_seconds, default=2.0, help="of each search (default: 2)"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("qdsl-out/bench"))
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the summary on stdout")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.report.bench import write_bench
    from qdsl.study.bench import bench_mappers

    questions = _questions(args, console)
    told = (lambda line: None) if args.quiet else console.note
    bench = bench_mappers(questions, args.objective, args.seeds, args.time_limit, told)
    paths = write_bench(bench, args.out, shlex.join(args.command_line), _machine())
    if console.json:
        print_json(_summary_json(bench, paths))
    else:
        print(_summary_text(bench, paths))
    return 0


def _questions(args: argparse.Namespace, console: Console) -> list[tuple[str, Asked, Mapping[str, int]]]:
    """(label, what is asked, widths) of every different layer; labels say the file where there are several."""
    from qdsl.cli.selection import checked, layers_of, mappings_of, widest_bits
    from qdsl.study.saved import asked_by_mapping, asked_by_study

    found: list[tuple[str, Asked, Mapping[str, int]]] = []
    for file in args.files:
        model = checked(file, console)
        of_file = f"{Path(file).stem} " if len(args.files) > 1 else ""
        for study in model.studies:
            widest, of_study = widest_bits(study), f"{study.name} " if len(model.studies) > 1 else ""
            found += (
                (f"{of_file}{of_study}{x.name}", asked_by_study(study, x), widest[x.name])
                for x in layers_of(study, args.layers)
            )
        for written in () if model.studies else mappings_of(model, None):
            if not args.layers or written.layer.name in args.layers:
                found.append((f"{of_file}{written.layer.name}", asked_by_mapping(written), dict(written.bits)))
    different: dict[Any, tuple[str, Asked, Mapping[str, int]]] = {}
    for label, asked, bits in found:
        different.setdefault(
            (asked.accelerator, asked.problem, asked.constraints, tuple(bits.items())), (label, asked, bits)
        )
    return list(different.values())


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",")))


def _machine() -> str:
    cores = counted(os.cpu_count() or 1, "core")
    return f"{platform.system()} {platform.machine()}, {cores}, Python {platform.python_version()}"


def _summary_text(bench: Bench, paths: tuple[Path, ...]) -> str:
    from qdsl.study.bench import summary_rows

    rows = []
    for label, seconds, found in summary_rows(bench):
        ratios = [f"{x[0]:.3f} {x[1]:.3f} {x[2]:.3f}" if (x := found[m]) else "none found" for m in bench.mappers]
        rows.append((label, f"{seconds:.2f}", *ratios))
    header = ("layer", "exact, s", *(f"{m}: best median worst" for m in bench.mappers))
    each = f"{bench.time_limit_s:g} s of each of {counted(bench.seeds, 'seed')}"
    lines = [f"{bench.objective}, in terms of the optimum, after {each}"]
    return "\n".join([*lines, "", columns(header, rows), "", *(f"written: {path}" for path in paths)])


def _summary_json(bench: Bench, paths: tuple[Path, ...]) -> dict[str, Any]:
    from qdsl.study.bench import summary_rows

    return {
        "objective": bench.objective,
        "time_limit_s": bench.time_limit_s,
        "seeds": bench.seeds,
        "layers": [
            {
                "layer": label,
                "exact_s": seconds,
                **{m: dict(zip(("best", "median", "worst"), x, strict=True)) if x else None for m, x in found.items()},
            }
            for label, seconds, found in summary_rows(bench)
        ],
        "files": [str(path) for path in paths],
    }
