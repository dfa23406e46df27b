"""`qdsl energies`: a technology with what CACTI says of memories."""

from __future__ import annotations

import argparse
from pathlib import Path

from qdsl.cli.console import Console

NAME = "energies"
HELP = "Ask CACTI for the energies of memories and write them as a technology."
EXAMPLE = """example: qdsl energies --node 28 --sram buffer=128KiB:64 --sram pad=512B:16 --out cmos28.qdsl

An SRAM is NAME=SIZE:BITS, with the bits of one access. The file says where its numbers come from; specs that import it need
nothing else. Needs Python 3.12 or newer and `pip install 'qdsl[energies]'`, which brings hwcomponents and its CACTI."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import nanometres, sram

    parser.add_argument("--node", metavar="NM", type=nanometres, required=True, help="from 22 to 180 nm")
    parser.add_argument(
        "--sram", metavar="NAME=SIZE:BITS", type=sram, action="append", required=True, help="repeatable"
    )
    parser.add_argument("--name", metavar="NAME", default="", help="of the technology (default: sram and the node)")
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: on the screen")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.exchange.cacti import sram_technology
    from qdsl.study.files import write_at_once

    text = sram_technology(args.name or f"sram{args.node:g}".replace(".", "_"), args.node, args.sram)
    if args.out:
        write_at_once(args.out, text)
        console.note(str(args.out))
    else:
        print(text, end="")
    return 0
