"""A mapped layer as Timeloop's files, of version 0.3.

What the files mean is tried at once: they are imported again, and every count must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isclose

from qdsl.diagnostics import Diagnostic, SourceFile, Span, SpecError
from qdsl.exchange.timeloop.apart import with_axes_apart
from qdsl.exchange.timeloop.importing import import_sources
from qdsl.exchange.timeloop.machine_files import architecture, areas, energies
from qdsl.exchange.timeloop.nest_file import directives
from qdsl.exchange.yaml import write_yaml
from qdsl.model.accelerator import Accelerator
from qdsl.model.loader import Library
from qdsl.model.mapping import Mapping as LayerMapping
from qdsl.model.operator import Axis, Problem
from qdsl.model.study import Model
from qdsl.symbolic import Evaluation, evaluate, legality

_MOST_NOTES = 4


def export_timeloop(
    accelerator: Accelerator, problem: Problem, bits: Mapping[str, int], mapping: LayerMapping, span: Span | None = None
) -> dict[str, str]:
    """Text by file name: `arch.yaml`, `ERT.yaml`, `problem.yaml`, `map.yaml`, and `ART.yaml` if areas are stated.

    span: what findings are about that no part of the accelerator has. Raises SpecError for what the files cannot say.
    """
    wanted = evaluate(accelerator, problem, bits, mapping)
    accelerator, mapping = with_axes_apart(accelerator.resolved(mapping.bypass), mapping)
    parts = {
        "arch": {"architecture": architecture(accelerator, span)},
        "ERT": {"ERT": energies(accelerator, problem, bits)},
        "problem": {"problem": _problem(accelerator, problem, bits)},
        "map": {"mapping": directives(accelerator, problem, mapping, span)},
    }
    if (stated := areas(accelerator)) is not None:
        parts["ART"] = {"ART": stated}
    files = {f"{name}.yaml": write_yaml(data) for name, data in parts.items()}
    _same(wanted, _read_again(files), span)
    return files


def _problem(accelerator: Accelerator, problem: Problem, bits: Mapping[str, int]) -> dict[str, object]:
    """`bitwidths` is read by the mixed-quantization fork. To Timeloop itself every value takes one word: where it does, no
    widths are written."""
    operator = problem.operator
    coefficients = {
        _coefficient(t.dim, t.coefficient): t.coefficient for x in operator.tensors for a in x.axes for t in a.terms
    }
    coefficients.pop("", None)
    spaces: list[dict[str, object]] = []
    for tensor in operator.tensors:
        space: dict[str, object] = {"name": tensor.name, "projection": [_axis(a) for a in tensor.axes]}
        spaces.append(space | ({"read-write": True} if tensor.is_output else {}))
    return {
        "shape": {
            "name": operator.name,
            "dimensions": list(operator.dims),
            "coefficients": [{"name": name, "default": value} for name, value in coefficients.items()],
            "data-spaces": spaces,
        },
        "instance": {
            **dict(zip(operator.dims, problem.sizes, strict=True)),
            **coefficients,
            **(
                {}
                if _word_each(accelerator, problem, bits)
                else {"bitwidths": {t.name: bits[t.name] for t in operator.tensors}}
            ),
        },
    }


def _word_each(accelerator: Accelerator, problem: Problem, bits: Mapping[str, int]) -> bool:
    """Whether every value takes one word wherever it is stored."""
    return all(
        not level.dense and level.word_bits // level.stored_bits(tensor.name, problem, bits) == 1
        for level in accelerator.levels
        for tensor in problem.operator.tensors
        if level.keeps(tensor.name)
    )


def _axis(axis: Axis) -> list[list[str]]:
    return [[name for name in (t.dim, _coefficient(t.dim, t.coefficient)) if name] for t in axis.terms]


def _coefficient(dim: str, value: int) -> str:
    """Timeloop names coefficients: `P_times_2`; none for 1."""
    return "" if value == 1 else f"{dim}_times_{value}"


def _read_again(files: Mapping[str, str]) -> Evaluation:
    """What the files mean by this project's reading of them."""
    text = import_sources([SourceFile(name, text) for name, text in files.items()]).text
    (written,) = _model(text).mappings
    bits = dict(written.bits)
    problem = written.layer.problem
    found = list(legality(written.accelerator, problem, bits, written.mapping, written.span))
    if found:
        raise SpecError(found)
    return evaluate(written.accelerator, problem, bits, written.mapping)


def _model(text: str) -> Model:
    from pathlib import Path

    from qdsl.diagnostics import Sink

    library, sink = Library(), Sink()
    path = Path("<exported>.qdsl").resolve()
    library.texts.unsaved = {path: text}
    model = library.load(path, sink).model
    if model is None:
        raise SpecError(sink)
    return model


def _same(here: Evaluation, there: Evaluation, span: Span | None) -> None:
    """Raises SpecError if the files mean other numbers."""
    found = list(_differences(here, there))
    if found:
        helps = (
            "Timeloop forwards windows between neighbours, shares and reduces over instances, packs whole values into "
            "words and computes one operation per cycle and unit",
        )
        raise SpecError(
            [
                Diagnostic(
                    "Q0984", "Timeloop would count something else", span, notes=tuple(found[:_MOST_NOTES]), helps=helps
                )
            ]
        )


def _differences(here: Evaluation, there: Evaluation) -> Iterator[str]:
    for level in here.levels:
        for tensor, counts in level.tensors:
            other = there.level(level.name).tensor(tensor)
            for kind in ("words", "reads", "fills", "updates", "instances"):
                ours, theirs = getattr(counts, kind), getattr(other, kind)
                if ours != theirs:
                    yield f"{kind} of `{tensor}` at `{level.name}`: {ours:,} here, {theirs:,} there"
    if here.cycles != there.cycles:
        yield f"cycles: {here.cycles:,} here, {there.cycles:,} there"
    if not isclose(here.energy_pj, there.energy_pj, rel_tol=1e-9):
        yield f"energy: {here.energy_pj:,.6g} pJ here, {there.energy_pj:,.6g} pJ there"
