"""Studies and written mappings as declarations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import fields, replace

from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.accuracy import Accuracy
from qdsl.model.mapper import EXACT, MapperChoice
from qdsl.model.network import Network
from qdsl.model.precision import WidthVariable
from qdsl.model.study import Search, Study, WrittenMapping
from qdsl.model.width_formula import WidthFormula
from qdsl.syntax import tree as t
from qdsl.unparse.constraints import constraint_stmt
from qdsl.unparse.formulas import formula
from qdsl.unparse.network import whole
from qdsl.unparse.nodes import NOWHERE, call, ident, idents, name, number, text, values


def study_decl(study: Study, sums: WidthFormula | None) -> t.StudyDecl:
    """sums: the width of partial sums that the study sets. Raises ValueError for a study that has no text: of several
    networks, or over hardware parameters, which an accelerator with their values no longer has."""
    if study.hardware or any(x.network for x in study.network.layers):
        raise ValueError(f"study `{study.name}` maps several networks or searches hardware parameters")
    network = t.MappedNetwork(span=NOWHERE, weight=None, name=ident(study.network.name))
    items: list[t.StudyItem] = [
        t.MapStmt(span=NOWHERE, networks=(network,), accelerator=_machine(study.accelerator.name)),
        t.PrecisionBlock(span=NOWHERE, statements=tuple(_precision(study, sums))),
    ]
    layers = whole(study.network).layers
    if study.constraints:
        body = tuple(constraint_stmt(c, layers) for c in study.constraints)
        items.append(t.ConstrainBlock(span=NOWHERE, body=body))
    items.append(t.MinimizeStmt(span=NOWHERE, objectives=idents(study.objectives)))
    if study.levels != ("fine",):
        items.append(t.LevelsStmt(span=NOWHERE, levels=idents(study.levels)))
    if study.largest_error is not None:
        most = number(study.largest_error, "%")
        items.append(t.LimitStmt(span=NOWHERE, quantity=ident("error"), comparison="<=", value=most))
    if study.mapper != EXACT:
        items.append(_mapper(study.mapper))
    items.append(t.SearchStmt(span=NOWHERE, call=_search(study.search)))
    if study.accuracy:
        items.append(_accuracy(study.accuracy))
    items.append(t.ReportStmt(span=NOWHERE, formats=idents(study.reports)))
    return t.StudyDecl(span=NOWHERE, name=ident(study.name), items=tuple(items))


def _search(search: Search) -> t.Call:
    if search.method == "exact":
        return call("exact", (), {"epsilon": number(search.epsilon)} if search.epsilon else {})
    settings: dict[str, t.Expr] = {
        n: number(getattr(search, n)) for n in ("population", "offspring", "generations", "seed")
    }
    return call("nsga2", (), {**settings, "operators": name(search.operators)})


def _mapper(mapper: MapperChoice) -> t.MapperStmt:
    given = {f.name: getattr(mapper, f.name) for f in fields(mapper) if getattr(mapper, f.name) is not None}
    settings = {n: number(v) for n, v in given.items() if n != "time_limit_s"}
    if "time_limit_s" in given:
        settings["time_limit"] = number(given["time_limit_s"], "s")
    return t.MapperStmt(span=NOWHERE, name=ident(mapper.name), arguments=call(mapper.name, (), settings).arguments)


def _accuracy(accuracy: Accuracy) -> t.AccuracyStmt:
    given = {n: v for n, v in accuracy.settings.items() if not (accuracy.weights and n.startswith("float_"))}
    settings = {n: name(v) if isinstance(v, str) else number(v) for n, v in given.items()}
    return t.AccuracyStmt(
        span=NOWHERE,
        method=ident(accuracy.method),
        arguments=call(accuracy.method, (), settings).arguments,
        data=ident(accuracy.data.kind),
        path=text(accuracy.data.path) if accuracy.data.path else None,
        weights=text(accuracy.weights) if accuracy.weights else None,
    )


def mapping_decl(written: WrittenMapping) -> t.MappingDecl:
    mapping = written.mapping
    statements: list[t.BitsStmt | t.BypassStmt | t.ImperfectStmt | t.NestStmt] = []
    if mapping.imperfect:
        statements.append(t.ImperfectStmt(span=NOWHERE, kind=mapping.imperfect))
    terms = tuple(t.BitsTerm(span=NOWHERE, tensor=ident(x), value=number(n)) for x, n in written.bits)
    statements.append(t.BitsStmt(span=NOWHERE, terms=terms))
    for level in written.accelerator.levels:
        if bypassed := sorted(tensor for at, tensor in mapping.bypass if at == level.name):
            statements.append(t.BypassStmt(span=NOWHERE, level=ident(level.name), tensors=idents(bypassed)))
    for place, loops in mapping.places:
        if loops:
            kind = "parallel" if "." in place else "for"
            made = (t.LoopTerm(span=NOWHERE, dim=ident(x.dim), factor=number(x.factor)) for x in loops)
            statements.append(t.NestStmt(span=NOWHERE, place=name(place), kind=kind, loops=tuple(made)))
    return t.MappingDecl(
        span=NOWHERE,
        name=ident(written.name),
        layer=name(f"{written.network}.{written.layer.name}"),
        accelerator=_machine(written.accelerator.name),
        statements=tuple(statements),
    )


def partial_sums(accelerator: Accelerator) -> WidthFormula | None:
    """The last rule of all levels inside the backing store, if that is one rule for outputs."""
    inner = [x for x in accelerator.levels[1:] if isinstance(x, StorageLevel)]
    rules = {x.stored[-1] if x.stored else None for x in inner}
    rule = next(iter(rules)) if len(rules) == 1 else None
    return rule[1] if rule is not None and rule[0] == "output" else None


def without_partial_sums(accelerator: Accelerator) -> Accelerator:
    """The accelerator as it is declared, for a study that has a rule for partial sums."""
    if partial_sums(accelerator) is None:
        return accelerator
    first, *inner = accelerator.hierarchy
    declared = [h if isinstance(h, FanOut) else replace(h, stored=h.stored[:-1]) for h in inner]
    return replace(accelerator, hierarchy=(first, *declared))


def _machine(accelerator: str) -> t.MachineRef:
    return t.MachineRef(span=NOWHERE, name=ident(accelerator), arguments=())


def _precision(
    study: Study, sums: WidthFormula | None
) -> Iterator[t.WidthRule | t.LayerWidths | t.SplitLayer | t.OutputWidth | t.PartialSums]:
    for role in ("weights", "activations"):
        if role == "weights" and (rule := _per_channel(study)):
            yield rule
            continue
        choosable = _choosable(study, role)
        if [v.name for v in choosable.values()] == [f"{study.network.name}.{role}"]:
            (only,) = choosable.values()
            yield t.WidthRule(span=NOWHERE, role=role, options=values(only.options), granularity=ident("network"))
            continue
        options = _options(choosable.values(), role) or (study.precision.output_bits,)
        yield t.WidthRule(span=NOWHERE, role=role, options=values(options), granularity=ident("layer"))
        fixed = {i: v.options[0] for i, v in choosable.items() if v.options != options}
        for layer, bits in _fixed(fixed, study, role):
            term = t.WidthTerm(span=NOWHERE, role=role, value=number(bits))
            yield t.LayerWidths(span=NOWHERE, layer=name(layer), terms=(term,))
    yield t.OutputWidth(span=NOWHERE, value=number(study.precision.output_bits, "bit"))
    yield from _splits(study.network)
    if sums is not None:
        yield t.PartialSums(span=NOWHERE, value=formula(sums.formula))


def _per_channel(study: Study) -> t.WidthRule | None:
    """The rule by which the widths of groups are chosen, if they are."""
    groups = Counter(x.group.layer for x in study.network.layers if x.group and x.group.bits is None)
    if not groups:
        return None
    options = _options([v for v in study.precision.variables if v.role == "weights"], "weights")
    given = call("channel", (), {"groups": number(max(groups.values()))}).arguments
    channel = ident("channel")
    return t.WidthRule(span=NOWHERE, role="weights", options=values(options), granularity=channel, arguments=given)


def _choosable(study: Study, role: str) -> dict[int, WidthVariable]:
    """Variables of a role, but for weights that `split` fixes, by index."""
    split = {x.name for x in study.network.layers if x.group} if role == "weights" else set()
    return {i: v for i, v in enumerate(study.precision.variables) if v.role == role and not set(v.layers) & split}


def _options(variables: Collection[WidthVariable], role: str) -> tuple[int, ...]:
    """The widths a role may have where a layer does not say otherwise; () if there is nothing to choose."""
    several = dict.fromkeys(v.options for v in variables if len(v.options) > 1)
    if len(several) > 1:
        raise ValueError(f"the {role} of different layers have different sets of widths")
    return next(iter((*several, *(v.options for v in variables))), ())


def _fixed(fixed: dict[int, int], study: Study, role: str) -> Iterator[tuple[str, int]]:
    """Layers whose statements fix just these variables, with the widths."""
    assigned = {layer: dict(tensors) for layer, tensors in study.precision.assignment}
    for layer in study.network.layers:
        tensors = [x.name for x in layer.problem.operator.inputs if x.is_weight == (role == "weights")]
        mine = {i for i in (assigned[layer.name][x] for x in tensors) if i is not None}
        chooses = layer.has_weights or not layer.inputs
        if chooses and mine and mine <= fixed.keys() and len({fixed[i] for i in mine}) == 1:
            yield layer.output, fixed[min(mine)]
            fixed = {i: bits for i, bits in fixed.items() if i not in mine}
    if fixed:
        raise ValueError(f"no statement fixes the width of `{study.precision.variables[min(fixed)].name}` alone")


def _splits(network: Network) -> Iterator[t.SplitLayer]:
    for layer in dict.fromkeys(x.group.layer for x in network.layers if x.group and x.group.bits is not None):
        groups = [(x.problem.size(x.group.dim), x.group.bits or 0) for x in network.writers(layer) if x.group]
        made = (t.ChannelGroup(span=NOWHERE, channels=number(n), bits=number(bits, "bit")) for n, bits in groups)
        yield t.SplitLayer(span=NOWHERE, layer=name(layer), groups=tuple(made))
