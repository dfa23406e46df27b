"""`qdsl explain`: where the numbers of a mapping come from."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from qdsl.cli.console import Console
from qdsl.cli.tables import widths
from qdsl.diagnostics import SpecError
from qdsl.model.study import Model, WrittenMapping

NAME = "explain"
HELP = "Show how the counts and energies of a mapping follow from its loops."
EXAMPLE = """example: qdsl explain specs/studies/mobilenet_v1_eyeriss.qdsl --layer stem

--mapping NAME explains a mapping written in the file; --layer NAME the best mapping of a layer of the file's study,
at the widest bit-widths that the study allows unless --bits says otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import bits

    parser.add_argument("file", metavar="FILE")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--mapping", metavar="NAME", help="a mapping block of the file (default: all of them)")
    what.add_argument("--layer", metavar="NAME", help="a layer of the study")
    parser.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of the layer's tensors")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked, mappings_of

    model = checked(args.file, console)
    if args.layer is None:
        for written in mappings_of(model, args.mapping):
            _explain_written(written, args.bits)
    else:
        _explain_best(model, args)
    return 0


def _explain_written(m: WrittenMapping, given: Mapping[str, int]) -> None:
    from qdsl.cli.selection import with_widths
    from qdsl.symbolic import explain, legality

    bits = with_widths(m.layer, dict(m.bits), given)
    findings = legality(m.accelerator, m.layer.problem, bits, m.mapping, m.span)
    if findings:
        raise SpecError(findings)
    print(f"{m.name}: {m.network}.{m.layer.name} onto {m.accelerator.name}, bits {widths(bits)}\n")
    print(explain(m.accelerator, m.layer.problem, bits, m.mapping))


def _explain_best(model: Model, args: argparse.Namespace) -> None:
    from qdsl.cli.selection import layers_of, study_of, widest_bits, with_widths
    from qdsl.mapper import best_mapping
    from qdsl.model.mapping_text import format_mapping
    from qdsl.symbolic import explain

    study = study_of(model, args.study)
    (layer,) = layers_of(study, [args.layer])
    accelerator = study.accelerator
    bits = with_widths(layer, widest_bits(study)[layer.name], args.bits)
    answer = best_mapping(accelerator, layer.problem, bits, study.constraints)
    if answer.mapping is None:
        from qdsl.mapspace import explain_infeasible

        raise SpecError([explain_infeasible(accelerator, layer.problem, layer.name, bits, study.constraints)])
    print(f"best mapping of {layer.name} onto {accelerator.name}, bits {widths(bits)}\n")
    print(format_mapping(answer.mapping, accelerator), end="\n\n")
    print(explain(accelerator, layer.problem, bits, answer.mapping))
