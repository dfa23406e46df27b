"""Published figures beside those of qdsl: `python -m tests.published.table` solves every layer again (some minutes) and
writes answers.jsonl, TABLE.md and the table of the README; with `--render` the tables alone, from the answers kept."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.published.layers import (
    alexnet_edp_table,
    alexnet_objectives_table,
    anchors_table,
    freedom_gains,
    freedom_table,
    mobilenet_tables,
)
from tests.published.markdown import MACHINES
from tests.published.questions import Answers, every_question, load_answers, save_answers, solve
from tests.published.totals import summary, totals_table

TABLE = Path(__file__).with_name("TABLE.md")
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- python -m tests.published.table -->\n", "<!-- end -->\n"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.published.table", description=__doc__)
    parser.add_argument("--render", action="store_true", help="write the tables from the answers kept")
    if not parser.parse_args(arguments).render:
        save_answers(solved())
    answers = load_answers()
    TABLE.write_text(table(answers), encoding="utf-8")
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(before + block(answers) + rest.partition(END)[2], encoding="utf-8")


def block(answers: Answers) -> str:
    """What the README shows."""
    return f"{BEGIN}{summary(answers)}\n{freedom_gains(answers)}\n{END}"


def solved() -> Answers:
    """On all cores."""
    questions = every_question()
    found = {}
    with ProcessPoolExecutor() as pool:
        for question, answer in zip(questions, pool.map(solve, questions), strict=True):
            found[question] = answer
            print(f"\r{len(found)} of {len(questions)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def table(answers: Answers) -> str:
    """TABLE.md."""
    per_layer = "\n".join(f"### {MACHINES[study]}\n\n{text}" for study, text in mobilenet_tables(answers).items())
    return f"""# Published results and those of qdsl

Results that Klhufek et al. (DDECS 2024) published with their code; [figures.py](figures.py) has them with their source,
[questions.py](questions.py) says what is asked, and [answers.jsonl](answers.jsonl) has our mappings. Energies in µJ,
energy-delay products (EDP) in J × cycles, accesses in words of the backing store; ratios below 1 are better than
published. Written by `python -m tests.published.table`.

## Totals

The least EDP of each layer, summed over the layers. The search for AlexNet was exhaustive, those for MobileNetV1 and
VGG-1 random. Weights of several widths have one result where as many of them fit in a word.

What was not published: on Simba, the energies of the 24-bit accumulators (8-bit words) and of all memories for floating point,
where those for 16 bits stand in; on Eyeriss, whether reads of the 32-bit scratchpads cost as much as writes, as they do
here; and the shapes of VGG-1. With those of its configuration A all figures for 16 bits on Eyeriss agree, and all cycles.

{totals_table(answers)}
## AlexNet on Eyeriss, 16-bit words

The same space of mappings, searched exhaustively for EDP:

{alexnet_edp_table(answers)}
For other objectives (a dash: not published; the ratio is that of the energies):

{alexnet_objectives_table(answers)}
### What free loop orders and imperfect factors gain

The published space fixes the order of the loops at each memory and has perfect factors only. The least EDP there, where
the orders are free (`free_orders` in [alexnet_2023.qdsl](../../specs/studies/alexnet_2023.qdsl)), and where dimensions may be
padded as well (`--imperfect padded`):

{freedom_table(answers)}
## MobileNetV1 per layer

Energy and cycles of the mapping of least EDP for weights of 8, 4 and 2 bits, and the ratio of the EDP. Cycles are
published once for all widths. With words of 8 bits that cannot be: at 4 and 2 bits the published totals of cycles and of EDP
are those of slower mappings for `b2.p`, `b3.p` and `fc`, which stand here.

{per_layer}
## The reference tool's mapper

The best that the mapper of the mixed-quantisation fork of Timeloop found in 30 s on 2 threads (`random_pruned`, perfect
factors, no constraints; [tests/reference](../reference/README.md)) by its own count, and ours.

{anchors_table(answers)}"""


if __name__ == "__main__":
    main(sys.argv[1:])
