"""What the widths of a study cannot be, in words: layers without mapping, dead widths, and what was not decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from qdsl.diagnostics import Diagnostic, Label, Severity
from qdsl.mapspace import explain_infeasible
from qdsl.mapspace.rules import Rule
from qdsl.mapspace.wording import counted, listed
from qdsl.study.keys import applying
from qdsl.study.options import DeadWidth, LayerOptions, StudyOptions
from qdsl.study.regions import regions_text, runs
from qdsl.study.undefined import undefined_findings


def option_findings(options: StudyOptions, timeout_s: float) -> list[Diagnostic]:
    """Errors for formulas of the accelerator without value, and if no choice of widths serves every layer, else warnings
    of dead widths, one for each reason; warnings of what was not decided. timeout_s: for each explanation."""
    undefined = undefined_findings(x.undefined for x in options.layers if x.undefined)
    hopeless = [x for x in options.layers if len(x.excluded) == len(x.rows)]
    if hopeless:
        findings = list(_without_mapping(options, hopeless, timeout_s))
    elif options.clash:
        findings = [_clash(options)]
    else:
        findings = [*_dead_by_one_layer(options, timeout_s), *_dead_by_several(options)]
    return [*undefined, *findings, *_undecided(options)]


def _without_mapping(options: StudyOptions, layers: Sequence[LayerOptions], timeout_s: float) -> Iterator[Diagnostic]:
    """Layers that have a mapping at no width: an error per conflict, explained for one layer at its narrowest widths.
    Nothing of those without one at which every formula of the accelerator has a value."""
    alike: dict[tuple[Rule, ...], list[tuple[LayerOptions, int]]] = {}
    for x in layers:
        if conflicting := x.conflicting(range(len(x.rows))):
            alike.setdefault(x.decisions[conflicting[0]].core, []).append((x, conflicting[0]))
    for group in alike.values():
        first, *others = [name for x, _ in group for name in x.layers]
        explained, row = group[0]
        found = _explained(options, first, row, timeout_s)
        notes = []
        if (rest := len(explained.rows) - 1) > 0:
            notes.append(f"nor is there one at its other {counted(rest, 'combination')} of widths")
        if others:
            notes.append(f"{_quoted(others)}: no mapping at any widths, and the same rules conflict")
        yield replace(found, notes=(*found.notes, *notes))


def _clash(options: StudyOptions) -> Diagnostic:
    names = options.clash
    return Diagnostic(
        "Q0807",
        f"no choice of widths leaves all of {_quoted(names)} a legal mapping",
        options.study.span,
        label="shares widths among these layers",
        notes=tuple(_needs(options, names)),
        helps=("allow other widths in `precision`, or loosen what leaves these layers without mapping",),
    )


def _dead_by_one_layer(options: StudyOptions, timeout_s: float) -> Iterator[Diagnostic]:
    """A warning per conflict, explained for the first width that it excludes; none where no conflict has a part in it."""
    alike: dict[tuple[Rule, ...], list[tuple[DeadWidth, int]]] = {}
    for dead in options.dead:
        if len(dead.layers) == 1:
            x = options.of(dead.layers[0])
            if conflicting := x.conflicting(options.rows_with(dead, dead.layers[0])):
                alike.setdefault(x.decisions[conflicting[0]].core, []).append((dead, conflicting[0]))
    for group in alike.values():
        (first, row), others = group[0], [dead for dead, _ in group[1:]]
        (layer,) = first.layers
        rows = options.rows_with(first, layer)
        found = _explained(options, layer, row, timeout_s)
        variable = options.study.precision.variables[first.variable]
        same = [d for d in others if (d.variable, d.layers) == (first.variable, first.layers)]
        widths = _bits([d.width for d in (first, *same)], "or")
        notes = list(found.notes)
        if len(rows) > 1:
            notes.append(f"nor is there a mapping at the other {counted(len(rows) - 1, 'combination')} with this width")
        if rest := [d for d in others if d not in same]:
            notes.append(f"the same rules exclude {by_variable(options, [(d.variable, d.width) for d in rest])}")
        yield Diagnostic(
            "Q0709",
            f"`{variable.name}` can never be {widths}: `{layer}` has no legal mapping then",
            variable.span,
            label=f"at {_bits([first.width])} these rules conflict",
            labels=(*((Label(found.span, found.label),) if found.span else ()), *found.labels),
            notes=tuple(notes),
            helps=found.helps,
            severity=Severity.WARNING,
        )


def _dead_by_several(options: StudyOptions) -> Iterator[Diagnostic]:
    alike: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for dead in options.dead:
        if len(dead.layers) > 1:
            alike.setdefault((dead.variable, dead.layers), []).append(dead.width)
    for (v, names), widths in alike.items():
        variable, text = options.study.precision.variables[v], _bits(widths, "or")
        yield Diagnostic(
            "Q0709",
            f"`{variable.name}` can never be {text}: no choice of the other widths leaves all of "
            f"{_quoted(names)} a legal mapping",
            variable.span,
            notes=tuple(_needs(options, names)),
            severity=Severity.WARNING,
        )


def _undecided(options: StudyOptions) -> Iterator[Diagnostic]:
    for x in options.layers:
        if unknown := x.at("unknown"):
            asked = {id(d): d.seconds or 0.0 for d in x.decisions if d.status == "unknown"}  # rows may share an answer
            why, help_ = _why_undecided(x, sum(asked.values()))
            yield Diagnostic(
                "Q0708",
                f"whether {_quoted(x.layers)} has a legal mapping could not be decided at {len(unknown):,} of "
                f"{len(x.rows):,} combinations of widths",
                None,
                notes=(why,),
                helps=(help_,),
                severity=Severity.WARNING,
            )
    if options.undecided:
        message = f"whether {len(options.undecided)} widths can be chosen could not be decided"
        notes = (by_variable(options, options.undecided),)
        yield Diagnostic("Q0708", message, options.study.span, notes=notes, severity=Severity.WARNING)


def _why_undecided(layer: LayerOptions, seconds: float) -> tuple[str, str]:
    """(why, what helps)"""
    if limits := tuple(dict.fromkeys(limit.text for d in layer.decisions for limit in d.beyond)):
        why = f"the mapping found is beyond {_quoted(limits)}; Z3 does not reckon what mappings cost"
        return why, "`qdsl map` searches for mappings within the limits"
    return f"neither a mapping nor a conflict was found in {seconds:.1f} s", "a longer `--time-limit`"


def _explained(options: StudyOptions, layer: str, row: int, timeout_s: float) -> Diagnostic:
    """The conflict of a layer at one of its combinations of widths."""
    study, found = options.study, options.of(layer)
    constraints = applying(study.constraints, found.problem)
    return explain_infeasible(
        study.accelerator, found.problem, layer, dict(found.rows[row].bits), constraints, timeout_s
    )


def _needs(options: StudyOptions, layers: Iterable[str]) -> Iterator[str]:
    """Which widths leave each of the layers without mapping."""
    for name in layers:
        variables = [options.study.precision.variables[v] for v in options.variables(name)]
        axes = [(f"`{v.name}`", v.options) for v in variables]
        excluded = [row.options for row in options.of(name).excluded]
        yield f"`{name}` has no mapping at {regions_text(excluded, axes)}"


def by_variable(options: StudyOptions, widths: Iterable[tuple[int, int]]) -> str:
    """``a.weights` at 6..8 bits; `b.weights` at 8 bits`. widths: (variable, width)."""
    found: dict[int, list[int]] = {}
    for v, width in widths:
        found.setdefault(v, []).append(width)
    variables = options.study.precision.variables
    return "; ".join(f"`{variables[v].name}` at {_bits(w)}" for v, w in found.items())


def _bits(widths: Sequence[int], last: str = "and") -> str:
    return f"{listed(runs(widths), last)} {'bit' if list(widths) == [1] else 'bits'}"


def _quoted(names: Iterable[str]) -> str:
    return listed([f"`{n}`" for n in names])
