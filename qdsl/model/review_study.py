"""What a careful colleague would ask about a study: parts of its machine, widths or objectives that come to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from math import ceil, prod

from qdsl.diagnostics import Diagnostic, Label, Span
from qdsl.model.accelerator import Accelerator, FanOut, Partition, StorageLevel
from qdsl.model.constraint import Only
from qdsl.model.findings import quoted, warning
from qdsl.model.operator import Operator
from qdsl.model.precision import WidthVariable
from qdsl.model.review_constraints import Case
from qdsl.model.study import Study

_MOST_NAMES = 6
_ALWAYS_ENOUGH = (
    2048  # words for one value of each tensor: at most 16 tensors of 64 bits, kept twice, in words of one bit
)


def study_cases(study: Study) -> list[Case]:
    """A case for each distinct problem of the network, with the widths that its layers may have."""
    precision = study.precision
    output = (precision.output_bits, precision.output_bits)
    options = [(v.options[0], v.options[-1]) for v in precision.variables]
    widths = {
        name: {t: output if i is None else options[i] for t, i in tensors} for name, tensors in precision.assignment
    }
    found: dict[tuple[int, tuple[int, ...]], Case] = {}  # an operator with its parameters is one object
    for layer in study.network.layers:
        operator, ranges = layer.problem.operator, widths[layer.name]
        key = (id(operator), layer.problem.sizes)
        if known := found.get(key):
            known.widths.update(
                {t: (min(a, known.widths[t][0]), max(b, known.widths[t][1])) for t, (a, b) in ranges.items()}
            )
        else:
            dims, sized = frozenset(operator.dims), not study.hardware
            found[key] = Case(study.accelerator, dims, layer.name, layer.problem, {**ranges}, sized)
    return list(found.values())


def review_study(
    study: Study,
    cases: Sequence[Case],
    at: Span,
    ranges: dict[str, Span],
    objectives: dict[str, Span],
    tensors: AbstractSet[str],
) -> Iterator[Diagnostic]:
    """cases: as of `study_cases`. at: the `map` statement. ranges: where the widths of weights and of activations are given;
    objectives: their names; tensors: those of all operators that the study could use."""
    operators = list({id(c.problem.operator): c.problem.operator for c in cases if c.problem}.values())
    yield from kept_nowhere(study.accelerator, operators, at)
    yield from _not_used(study, operators, at, tensors)
    yield from _too_small(study, cases, at)
    yield from _idle(study, cases, at)
    yield from _fixed_everywhere(study, ranges)
    yield from _without_data(study, objectives)


def kept_nowhere(accelerator: Accelerator, operators: Iterable[Operator], at: Span) -> Iterator[Diagnostic]:
    """Tensors that no memory but the backing store keeps."""
    store, *inner = accelerator.levels
    found: dict[tuple[str, ...], list[str]] = {}  # operators by the tensors concerned
    for operator in operators:
        names = [t.name for t in operator.tensors if not any(x.keeps(t.name) or t.name in x.optional for x in inner)]
        if names and inner:
            found.setdefault(tuple(names), []).append(operator.name)
    for tensors, users in found.items():
        verb = "is" if len(tensors) == 1 else "are"
        text = f"{quoted(tensors)} of {quoted(users)} {verb} kept by no memory inside `{store.name}`"
        labels = [Label(x.span, f"keeps {quoted(sorted(x.keep or ()) or ['nothing'])}") for x in inner if x.span]
        notes = [f"each time a value is used, it is read from or written to `{store.name}`"]
        helps = [f"name {quoted(tensors)} in the `keep` or `may keep` of a memory"]
        yield warning("Q0510", text, at, labels=labels, notes=notes, helps=helps)


def _not_used(study: Study, operators: Sequence[Operator], at: Span, known: AbstractSet[str]) -> Iterator[Diagnostic]:
    """Memories that keep no tensor of any layer. What no operator has at all is reported where it is named."""
    tensors = {t.name for o in operators for t in o.tensors}
    for level in study.accelerator.levels[1:]:
        kept = sorted((level.keep or frozenset()) | level.optional)
        if not any(level.keeps(t) or t in level.optional for t in tensors) and known & set(kept):
            text = f"memory `{level.name}` keeps no tensor of any layer of `{study.network.name}`"
            labels = [Label(level.span, f"keeps {quoted(kept)}")] if level.span else []
            notes = [f"the layers have {quoted(sorted(tensors))}"]
            yield warning("Q0511", text, at, labels=labels, notes=notes)


def _too_small(study: Study, cases: Sequence[Case], at: Span) -> Iterator[Diagnostic]:
    """Memories without room for one value of each tensor they must keep, at the narrowest widths."""
    for level in study.accelerator.levels[1:]:
        for part in level.all_partitions:
            if part.size_words >= _ALWAYS_ENOUGH:
                continue
            short = [(case, need) for case in cases if (need := _least_words(level, part, case)) > part.size_words]
            if short:
                need = max(n for _, n in short)
                whose = f" for {quoted(sorted(part.tensors))}" if part.tensors else ""
                text = f"`{level.name}` is too small for one value of each tensor that it keeps{whose}"
                span = part.span or level.span
                labels = [Label(span, f"holds {part.size_words} words of {level.word_bits} bits")] if span else []
                names = quoted([c.name for c, _ in short][:_MOST_NAMES])
                notes = [f"{need} words are needed at the narrowest widths: no mapping of {names} fits"]
                yield warning(
                    "Q0512", text, at, labels=labels, notes=notes, helps=[f"`size {need} word` or fewer tensors"]
                )


def _least_words(level: StorageLevel, part: Partition, case: Case) -> int:
    """Words of the tiles of one value each; those packed densely share words."""
    assert case.problem
    operator = case.problem.operator
    kept = [
        t.name for t in operator.tensors if level.serves(part, t.name) and level.width_rule(t.name, operator) is None
    ]
    bits = [int(case.widths[t][0]) * level.copies(t) for t in kept]
    if level.dense:
        return ceil(sum(bits) / level.word_bits)
    return sum(level.copies(t) for t in kept)


def _idle(study: Study, cases: Sequence[Case], at: Span) -> Iterator[Diagnostic]:
    """Axes of arrays of which no layer can use more than a part."""
    only = [c for c in study.constraints if isinstance(c, Only) and c.scope.condition is None]
    for fanout in study.accelerator.fanouts:
        for axis, place in zip("xy", fanout.places, strict=True):
            size, limits = fanout.mesh(axis), [c for c in only if c.place == place]
            if size == 1 or fanout.pooled or any(_usable(case, place, limits) >= size for case in cases):
                continue
            best, case = max(((_usable(c, place, limits), c) for c in cases), key=lambda x: x[0])
            most = "more than one" if best == 1 else f"more than {best:g}"
            text = f"no layer can use {most} of the {size} instances along `{place}`"
            span = (fanout.x_span if axis == "x" else fanout.y_span) or fanout.span
            labels = [Label(span, f"{size} instances")] if span else []
            labels += [Label(c.span, "leaves these dimensions") for c in limits if c.span]
            notes = [] if best == 1 else [f"`{case.name}` uses most"]
            yield warning("Q0815", text, at, labels=labels, notes=notes)


def _usable(case: Case, place: str, limits: Sequence[Only]) -> float:
    """At most so many instances can the loops of a layer use at a place."""
    assert case.problem
    allowed = [c.dims for c in limits if c.scope.includes(case.problem)]
    dims = [d for d in case.problem.operator.dims if all(d in a for a in allowed)]
    return min(case.instances(place), prod(case.problem.size(d) for d in dims))


def _fixed_everywhere(study: Study, ranges: dict[str, Span]) -> Iterator[Diagnostic]:
    """Sets of widths from which no layer chooses, since each has a width of its own."""
    for role, span in ranges.items():
        variables = [v for v in study.precision.variables if v.role == role]
        if variables and not any(v.span == span for v in variables):
            labels = [Label(s, "fixed here") for s in dict.fromkeys(v.span for v in variables) if s]
            text = f"no layer chooses its {role} from these widths"
            helps = ["remove the statements that fix a width, or leave one width here"]
            yield warning("Q0810", text, span, labels=labels[:_MOST_NAMES], helps=helps)


def _without_data(study: Study, objectives: dict[str, Span]) -> Iterator[Diagnostic]:
    """Objectives that are the same for every design, of which there are several."""
    weights = any(_varies(v) for v in study.precision.variables if v.role == "weights")
    activations = any(_varies(v) for v in study.precision.variables if v.role == "activations")
    if not weights and not activations and _costs_energy(study.accelerator):
        return  # a study of one design
    reasons = {
        "energy": None if _costs_energy(study.accelerator) else f"every energy of `{study.accelerator.name}` is 0",
        "weight_memory": None if weights else "no layer has a choice of widths for its weights",
        "activation_memory": None if activations else "no layer has a choice of widths for its activations",
        "sensitivity": None if weights or activations else "no layer has a choice of widths",
        "error": None if weights or activations else "no layer has a choice of widths",
        "noise": None if weights or activations else "no layer has a choice of widths",
    }
    for name in study.objectives:
        if (reason := reasons.get(name)) and name in objectives:
            text = f"`{name}` is the same for every design"
            yield warning("Q0811", text, objectives[name], notes=[reason], helps=["minimize something else"])


def _varies(variable: WidthVariable) -> bool:
    return len(variable.options) > 1


def _costs_energy(accelerator: Accelerator) -> bool:
    levels = any(x.energy.read_pj or x.energy.write_pj or x.energy.update_pj for x in accelerator.levels)
    hops = any(isinstance(x, FanOut) and x.hop_pj_per_bit for x in accelerator.hierarchy)
    return bool(levels or hops or accelerator.compute.energy or accelerator.compute.layers or accelerator.leakage_pj)
