"""`qdsl explain`: where the numbers of a mapping come from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console
from qdsl.cli.tables import widths
from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.model.study import Model, WrittenMapping

if TYPE_CHECKING:
    from qdsl.model.accelerator import Accelerator
    from qdsl.model.mapping import Mapping as LayerMapping
    from qdsl.model.network import Layer
    from qdsl.study.saved import SavedAnswer
    from qdsl.symbolic import Explanation

NAME = "explain"
HELP = "Show how the counts, energies and cycles of a mapping follow from its loops."
EXAMPLE = """example: qdsl explain specs/studies/mobilenet_v1_eyeriss.qdsl --layer stem

--mapping NAME explains a mapping written in the file, --mapping RESULT.json what `qdsl map --out` saved, --layer NAME the
best mapping of a layer of the file's study, at the widest bit-widths that the study allows unless --bits says otherwise;
--layer and --mapping together the given mapping of that layer. --format latex writes a document that LaTeX can compile."""


@dataclass(frozen=True)
class _Subject:
    """A mapping to explain. layer: as it is called; heading: what it is, in a line."""

    heading: str
    label: str
    layer: Layer
    accelerator: Accelerator
    bits: Mapping[str, int]
    mapping: LayerMapping

    @property
    def nest(self) -> str:
        from qdsl.model.mapping_text import format_mapping

        return format_mapping(self.mapping, self.accelerator)

    def explained(self) -> Explanation:
        from qdsl.symbolic import explanation

        return explanation(self.accelerator, self.layer.problem, self.bits, self.mapping)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import bits

    parser.add_argument("file", metavar="FILE")
    parser.add_argument(
        "--mapping", metavar="NAME", help="a mapping block of the file (default: all of them), or RESULT.json"
    )
    parser.add_argument("--layer", metavar="NAME", help="a layer of the study, or of the mapping")
    parser.add_argument("--bits", metavar="W=8,I=8,O=8", type=bits, default={}, help="widths of the layer's tensors")
    parser.add_argument("--study", metavar="NAME", help="the study, if the file has several")
    parser.add_argument("--format", choices=("text", "latex", "json"), default="text")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write to a file instead of the terminal")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked

    subjects = _subjects(checked(args.file, console), args)
    text = {"text": _text, "latex": _latex, "json": _json}[args.format](subjects)
    if args.out is None:
        print(text, end="")
    else:
        _write(args.out, text)
    return 0


def _subjects(model: Model, args: argparse.Namespace) -> list[_Subject]:
    from qdsl.cli.selection import mappings_of

    if args.layer is not None and args.mapping is None:
        return list(_best(model, args))
    saved = args.mapping is not None and args.mapping.endswith(".json")
    given = _saved(Path(args.mapping), model) if saved else mappings_of(model, args.mapping)
    if args.layer is not None:
        given = _of_layer(given, args.layer, model)
    return [_written(m, args.bits) for m in given]


def _written(m: WrittenMapping, given: Mapping[str, int]) -> _Subject:
    from qdsl.cli.selection import with_widths
    from qdsl.symbolic import legality

    bits = with_widths(m.layer, dict(m.bits), given)
    findings = legality(m.accelerator, m.layer.problem, bits, m.mapping, m.span)
    if findings:
        raise SpecError(findings)
    label = f"{m.network}.{m.layer.name}"
    heading = f"{m.name}: {label} onto {m.accelerator.name}, bits {widths(bits)}"
    return _Subject(heading, label, m.layer, m.accelerator, bits, m.mapping)


def _best(model: Model, args: argparse.Namespace) -> Iterator[_Subject]:
    """The layer's best mapping; of a split layer, that of each group."""
    from qdsl.cli.selection import layers_of, study_of, widest_bits, with_widths
    from qdsl.mapper import best_mapping

    study = study_of(model, args.study)
    accelerator = study.accelerator
    for layer in layers_of(study, [args.layer]):
        bits = with_widths(layer, widest_bits(study)[layer.name], args.bits)
        answer = best_mapping(accelerator, layer.problem, bits, study.constraints)
        if answer.mapping is None:
            from qdsl.mapspace import explain_infeasible

            raise SpecError([explain_infeasible(accelerator, layer.problem, layer.name, bits, study.constraints)])
        heading = f"best mapping of {layer.name} onto {accelerator.name}, bits {widths(bits)}"
        yield _Subject(heading, layer.name, layer, accelerator, bits, answer.mapping)


def _saved(path: Path, model: Model) -> tuple[WrittenMapping, ...]:
    """The mappings of a file of saved answers. Raises SpecError if there are none, or if they are not the spec's."""
    from qdsl.model.network import Layer
    from qdsl.study.saved import asked_by, load_answers

    found = []
    for answer in load_answers(path).answers:
        _check_saved(answer, model)
        asked = asked_by(model, answer.origin)
        if asked is not None and answer.mapping is not None:
            layer, network = Layer(answer.origin.layer, asked.problem), answer.origin.network
            found.append(WrittenMapping(path.stem, network, layer, asked.accelerator, answer.bits, answer.mapping))
    if not found:
        raise SpecError([Diagnostic("Q0201", f"`{path}` has no mapping: its answers say that none was found", None)])
    return tuple(found)


def _check_saved(answer: SavedAnswer, model: Model) -> None:
    """Raises SpecError unless the spec still asks what was answered and the mapping keeps its rules."""
    from qdsl.study.statement import Effort
    from qdsl.study.verify import verify_answer

    for statement in verify_answer(answer, model, (), Effort(prove=False, time_limit_s=None)):
        if statement.findings:
            raise SpecError(statement.findings)
        if statement.about == "mapping":
            return


def _of_layer(given: Sequence[WrittenMapping], layer: str, model: Model) -> tuple[WrittenMapping, ...]:
    """Those of a layer. Raises SpecError if there are none."""
    found = tuple(m for m in given if layer in (m.layer.name, f"{m.network}.{m.layer.name}"))
    if found:
        return found
    others = [x.name for x in model.mappings if x.layer.name == layer]
    helps = [f"leave out `--layer {layer}`, or the mapping: then the best one of the layer is explained"]
    if others:
        helps.insert(0, f"mappings of `{layer}`: {', '.join(others)}")
    m = given[0]
    text = f"mapping `{m.name}` is one of layer `{m.layer.name}`, not of `{layer}`"
    raise SpecError([Diagnostic("Q0204", text, m.span, label="another layer's", helps=tuple(helps))])


def _text(subjects: list[_Subject]) -> str:
    from qdsl.cli.explanation import explanation_text

    return "\n".join(f"{s.heading}\n\n{s.nest}\n\n{explanation_text(s.explained())}\n" for s in subjects)


def _latex(subjects: list[_Subject]) -> str:
    from qdsl.cli.latex import latex_document

    return latex_document((s.heading, s.nest, s.explained()) for s in subjects)


def _json(subjects: list[_Subject]) -> str:
    results = list(_results(subjects))
    data = results[0] if len(results) == 1 else {"results": results}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _results(subjects: list[_Subject]) -> Iterator[dict[str, Any]]:
    from qdsl.cli.evaluation import mapping_json
    from qdsl.cli.explanation import explanation_json

    for s in subjects:
        yield {
            "subject": s.heading,
            "layer": s.label,
            "accelerator": s.accelerator.name,
            "bits": dict(s.bits),
            "mapping": mapping_json(s.mapping),
            "mapping_text": s.nest,
            **explanation_json(s.explained()),
        }


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SpecError([Diagnostic("Q0905", f"`{path}` cannot be written: {reason}", None)]) from error
