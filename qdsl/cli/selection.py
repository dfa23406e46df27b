"""From names on the command line to parts of the checked model. Unknown names are findings that list the known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from qdsl.cli.console import Console
from qdsl.diagnostics import Diagnostic, Sink, SpecError, denied, did_you_mean
from qdsl.model import load_model
from qdsl.model.network import Layer
from qdsl.model.study import Model, Study, WrittenMapping

T = TypeVar("T")


def checked(path: str, console: Console, every_configuration: bool = False) -> Model:
    """The model of a file; warnings are shown. Raises SpecError with all findings if there are errors, or warnings that the
    command line denies.

    every_configuration: whether the command looks at all configurations of searched hardware; else it is said which one counts.
    """
    sink = Sink()
    model = load_model(path, sink)
    sink = Sink(denied(sink, console.deny))
    sink.raise_if_errors()
    console.findings(sink)
    if model is None:
        raise SpecError(sink)
    for study in model.studies:
        if study.hardware and not every_configuration:
            which = f"the first of {len(study.hardware)} configurations: {study.hardware[0].text}"
            console.note(f"study `{study.name}` is taken at {which}")
    return model


def study_of(model: Model, name: str | None) -> Study:
    """The named study, or the only one."""
    if name is not None:
        return named("study", name, model.studies, lambda s: s.name)
    if len(model.studies) == 1:
        return model.studies[0]
    raise _choose("study", [s.name for s in model.studies], model, "--study NAME")


def mappings_of(model: Model, name: str | None) -> tuple[WrittenMapping, ...]:
    """The named mapping, or all of the file, at least one."""
    if name is not None:
        return (named("mapping", name, model.mappings, lambda m: m.name),)
    if model.mappings:
        return model.mappings
    raise _choose("mapping", [], model, "--mapping NAME")


def layers_of(study: Study, names: Sequence[str]) -> tuple[Layer, ...]:
    """The named layers in the order given, or all. The name of a split layer stands for its groups."""
    layers = study.network.layers
    if not names:
        return layers
    chosen = (study.network.writers(n) or (named("layer", n, layers, lambda x: x.name),) for n in names)
    return tuple(dict.fromkeys(x for group in chosen for x in group))


def widest_bits(study: Study) -> dict[str, dict[str, int]]:
    """Per layer and tensor the widest bits that the study allows."""
    return study.precision.layer_bits(tuple(v.options[-1] for v in study.precision.variables))


def with_widths(layer: Layer, bits: Mapping[str, int], given: Mapping[str, int]) -> dict[str, int]:
    """Width of every tensor of a layer: as given, else as in `bits`. Raises SpecError for a tensor it does not have."""
    tensors = [t.name for t in layer.problem.operator.tensors]
    for name in given.keys() - set(tensors):
        helps = (f"its tensors are: {', '.join(tensors)}",)
        raise SpecError([Diagnostic("Q0201", f"layer `{layer.name}` has no tensor `{name}`", None, helps=helps)])
    return {name: given.get(name, bits[name]) for name in tensors}


def known_widths(layers: Sequence[Layer], given: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Per layer the given widths of the tensors it has. A tensor that no layer has stays with all, to be refused."""
    tensors = {x.name: {t.name for t in x.problem.operator.tensors} for x in layers}
    anywhere = set().union(*tensors.values())
    return {x.name: {t: b for t, b in given.items() if t in tensors[x.name] or t not in anywhere} for x in layers}


def named(kind: str, name: str, items: Iterable[T], name_of: Callable[[T], str]) -> T:
    """The item with a name. Raises SpecError when there is none."""
    known = {name_of(item): item for item in items}
    if name not in known:
        helps = did_you_mean(name, known) or ((f"there are: {', '.join(known)}",) if known else ())
        raise SpecError([Diagnostic("Q0201", f"there is no {kind} `{name}`", None, helps=helps)])
    return known[name]


def _choose(kind: str, names: Sequence[str], model: Model, option: str) -> SpecError:
    if names:
        message, helps = f"`{model.path}` has {len(names)} {kind} blocks", [f"{option}, one of: {', '.join(names)}"]
    else:
        message, helps = f"`{model.path}` has no `{kind}` block", []
    return SpecError([Diagnostic("Q0907", message, None, helps=tuple(helps))])
