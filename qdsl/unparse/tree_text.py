"""The syntax tree as text. Only `qdsl fmt` lays it out; here it is merely right."""

from __future__ import annotations

from collections.abc import Iterable

from qdsl.syntax import tree as t
from qdsl.unparse.expressions import ATOM, OR, SUM, arguments, expression, names, quoted, value_set


def tree_text(node: t.File | t.Import | t.Declaration) -> str:
    """Text that parses to an equal node; comments are no part of one."""
    match node:
        case t.File():
            imports = "".join(tree_text(i) for i in node.imports)
            return "\n".join([*([imports] if imports else []), *map(tree_text, node.declarations)])
        case t.Import():
            return f"import {quoted(node.path)}\n"
        case t.OperatorDecl():
            return _block(f"operator {node.name.name}{_parameters(node.parameters)}", _operator(node))
        case t.TechnologyDecl():
            source = [f"source {quoted(node.source.text)}"] if node.source else []
            entries = [_inline(f"{e.kind} {e.name.name}", map(_part, e.statements)) for e in node.entries]
            return _block(f"technology {node.name.name}", [*source, *entries])
        case t.EngineDecl():
            return _block(f"engine {node.name.name}", map(_level, node.items))
        case t.AcceleratorDecl():
            return _block(f"accelerator {node.name.name}", map(_level, node.items))
        case t.NetworkDecl():
            return _block(f"network {node.name.name}", map(_network, node.items))
        case t.MappingDecl():
            head = f"mapping {node.name.name} for {node.layer.dotted} onto {_machine(node.accelerator)}"
            return _block(head, map(_mapping, node.statements))
        case t.ConstraintsDecl():
            return _block(f"constraints {node.name.name} for {node.accelerator.name}", map(_constraint, node.body))
        case t.StudyDecl():
            return _block(f"study {node.name.name}", map(_study, node.items))


def _block(head: str, statements: Iterable[str]) -> str:
    return "\n".join([f"{head} {{", *(f"  {line}" for s in statements for line in s.splitlines()), "}\n"])


def _inline(head: str, statements: Iterable[str]) -> str:
    """On one line; the formatter breaks it where it is too long."""
    return f"{head} {{ {'; '.join(statements)} }}"


def _parameters(parameters: tuple[t.Parameter, ...]) -> str:
    texts = [f"{p.name.name} = {expression(p.default)}" if p.default else p.name.name for p in parameters]
    return f"({', '.join(texts)})" if texts else ""


def _machine(reference: t.MachineRef) -> str:
    return reference.name.name + (arguments(reference.arguments) if reference.arguments else "")


def _operator(node: t.OperatorDecl) -> list[str]:
    listed = [f"{word} {names(idents)}" for word, idents in (("dims", node.dims), ("weights", node.weights)) if idents]
    rules = [
        f"{_access(rule.output)} {rule.assign} {f' {rule.combine} '.join(map(_access, rule.inputs))}"
        for rule in node.rules
    ]
    return [*listed, *rules]


def _access(access: t.TensorAccess) -> str:
    return f"{access.tensor.name}[{', '.join(expression(i, SUM) for i in access.indices)}]"


# --- accelerators ----------------------------------------------------------------------------


def _level(item: t.AcceleratorItem | t.EngineItem) -> str:
    match item:
        case t.ParamDecl():
            domain = f" in {value_set(item.domain)}" if item.domain else ""
            return f"param {item.name.name} = {expression(item.value, SUM)}{domain}"
        case t.ClockStmt():
            return f"clock {expression(item.value)}"
        case t.MemoryDecl():
            return _inline(f"memory {item.name.name}", map(_part, item.statements))
        case t.ArrayDecl():
            return _inline(f"array {item.name.name}", map(_part, item.statements))
        case t.ComputeDecl():
            return _inline(f"compute {item.name.name}", map(_part, item.statements))
        case _:
            return _part(item)


_QUANTITIES: dict[type[t.Node], str] = {
    t.WordStmt: "word",
    t.WidthStmt: "width",
    t.LeakageStmt: "leakage",
    t.AreaStmt: "area",
    t.ThroughputStmt: "throughput",
    t.UseStmt: "use",
    t.PowerStmt: "power",
}


def _part(stmt: t.MemoryStmt | t.ArrayStmt | t.ComputeStmt) -> str:
    """A statement of a memory, array or compute unit."""
    match stmt:
        case t.TableStmt():
            return f"table {stmt.name.name} from {quoted(stmt.path)}"
        case t.LetStmt():
            return f"let {stmt.name.name} = {expression(stmt.value)}"
        case t.LayerCost():
            kind = f"figure {stmt.name.name}" if stmt.name else stmt.kind
            return f"{kind} for {names(stmt.operators)} = {expression(stmt.value)}"
        case (
            t.WordStmt()
            | t.WidthStmt()
            | t.LeakageStmt()
            | t.AreaStmt()
            | t.ThroughputStmt()
            | t.UseStmt()
            | t.PowerStmt()
        ):
            return f"{_QUANTITIES[type(stmt)]} {expression(stmt.value)}"
        case t.SizeStmt():
            return f"size {expression(stmt.value)}{_for(stmt.tensors)}"
        case t.PackingStmt():
            return f"packing {stmt.kind}"
        case t.KeepStmt():
            return f"keep {names(stmt.tensors)}"
        case t.MayKeepStmt():
            return f"may keep {names(stmt.tensors)}"
        case t.DoubleBufferedStmt():
            return f"double_buffered {names(stmt.tensors or ())}".rstrip()
        case t.BitsStmt():
            return _bits(stmt)
        case t.EnergyStmt():
            return f"energy from {stmt.origin.dotted}" if stmt.origin else f"energy {_terms(stmt.terms)}"
        case t.BandwidthStmt():
            return f"bandwidth {_terms(stmt.terms)}{_for(stmt.tensors)}"
        case t.SourceStmt():
            return f"source {quoted(stmt.text)}"
        case t.MeshStmt():
            return f"{stmt.axis} {expression(stmt.value)}"
        case t.SharingStmt():
            return f"{stmt.kind} {names(stmt.tensors) or 'none'}"
        case t.FlagStmt():
            return stmt.name


def _bits(stmt: t.BitsStmt) -> str:
    return "bits " + ", ".join(f"{x.tensor.name} = {expression(x.value)}" for x in stmt.terms)


def _terms(terms: Iterable[t.EnergyTerm | t.BandwidthTerm]) -> str:
    return ", ".join(f"{x.access} {expression(x.value)}".lstrip() for x in terms)


def _for(tensors: tuple[t.Ident, ...] | None) -> str:
    return f" for {names(tensors)}" if tensors else ""


# --- networks and mappings -------------------------------------------------------------------


def _network(item: t.Node) -> str:
    match item:
        case t.InputStmt():
            return f"input {item.name.name}: {' x '.join(expression(e, SUM) for e in item.shape)}"
        case t.BatchStmt():
            return f"batch {expression(item.value)}"
        case t.BlockDecl():
            return _block(
                f"block {item.name.name}{_parameters(item.parameters)}", map(_network, item.statements)
            ).rstrip()
        case t.Binding(count=None):
            return f"{item.name.name} = {expression(item.value)}"
        case t.Binding(count=count) if count is not None:
            return f"repeat {expression(count)} as {item.name.name} = {expression(item.value)}"
        case t.LayerStmt():
            return f"layer {item.name.name} = {expression(item.call)}"
        case t.YieldStmt():
            return f"yield {expression(item.value)}"
        case t.OutputStmt():
            return f"output {expression(item.value)}"
    raise TypeError(f"not part of a network: {type(item).__name__}")


def _mapping(stmt: t.BitsStmt | t.BypassStmt | t.ImperfectStmt | t.NestStmt) -> str:
    match stmt:
        case t.BitsStmt():
            return _bits(stmt)
        case t.BypassStmt():
            return f"bypass {stmt.level.name}: {names(stmt.tensors)}"
        case t.ImperfectStmt():
            return f"imperfect {stmt.kind}"
        case t.NestStmt():
            return f"{stmt.place.dotted}: {stmt.kind} {', '.join(f'{x.dim.name} {expression(x.factor)}' for x in stmt.loops)}"


# --- constraints and studies -----------------------------------------------------------------


def _constraint(c: t.Constraint) -> str:
    match c:
        case t.OnlyConstraint():
            return f"{c.kind} {c.place.dotted} {f'only {names(c.dims)}' if c.dims else 'none'}"
        case t.OrderConstraint():
            return f"order {c.level.dotted}: {names(c.dims)} {c.anchor}".rstrip()
        case t.KeepConstraint():
            return f"{'keep' if c.kept else 'bypass'} {c.level.name}: {names(c.tensors)}"
        case t.SameConstraint():
            return f"same spatial for {_chosen(c)}"
        case t.FormulaConstraint():
            return expression(c.formula, OR)
        case t.IfConstraint():
            return f"if {expression(c.condition, OR)} then {_constraint(c.body)}"
        case t.EveryConstraint():
            return _block(f"every {_chosen(c)}", map(_constraint, c.body)).rstrip()
        case t.ForConstraint():
            values = value_set(c.values) if isinstance(c.values, t.ValueSet) else ", ".join(v.dotted for v in c.values)
            return _block(f"for {c.variable.name} in {values}", map(_constraint, c.body)).rstrip()


def _chosen(c: t.EveryConstraint | t.SameConstraint) -> str:
    return f"layer {names(c.layers)}" if c.layers else names(c.operators)


def _study(item: t.StudyItem) -> str:
    match item:
        case t.MapStmt():
            return f"map {' + '.join(map(_weighted, item.networks))} onto {_machine(item.accelerator)}"
        case t.LimitStmt():
            return f"limit {item.quantity.name} {item.comparison} {expression(item.value)}"
        case t.MapAsStmt():
            return f"map {item.operator.name} as {expression(item.call, ATOM)}"
        case t.PrecisionBlock():
            return _block("precision", map(_precision, item.statements)).rstrip()
        case t.ConstrainWith():
            return f"constrain with {expression(item.value)}"
        case t.ConstrainBlock():
            return _block("constrain", map(_constraint, item.body)).rstrip()
        case t.MinimizeStmt():
            return f"minimize {names(item.objectives)}"
        case t.LevelsStmt():
            return f"levels {names(item.levels)}"
        case t.MapperStmt():
            return f"mapper {item.name.name}{arguments(item.arguments) if item.arguments else ''}"
        case t.SearchStmt():
            return f"search {expression(item.call, ATOM)}"
        case t.AccuracyStmt():
            method = f"{item.method.name}{arguments(item.arguments) if item.arguments else ''}"
            path = f" from {quoted(item.path)}" if item.path else ""
            weights = f" with weights {quoted(item.weights)}" if item.weights else ""
            return f"accuracy {method} on {item.data.name}{path}{weights}"
        case t.ReportStmt():
            return f"report {names(item.formats)}"


def _weighted(network: t.MappedNetwork) -> str:
    return f"{expression(network.weight)} * {network.name.name}" if network.weight else network.name.name


def _precision(stmt: t.WidthRule | t.LayerWidths | t.SplitLayer | t.OutputWidth | t.PartialSums) -> str:
    match stmt:
        case t.WidthRule():
            given = arguments(stmt.arguments) if stmt.arguments else ""
            return f"{stmt.role} in {value_set(stmt.options)} per {stmt.granularity.name}{given}"
        case t.LayerWidths():
            return f"layer {stmt.layer.dotted}: {', '.join(f'{x.role} = {expression(x.value)}' for x in stmt.terms)}"
        case t.SplitLayer():
            groups = (f"{expression(g.channels)} at {expression(g.bits)}" for g in stmt.groups)
            return f"split {stmt.layer.dotted}: {', '.join(groups)}"
        case t.OutputWidth():
            return f"output {expression(stmt.value)}"
        case t.PartialSums():
            return f"partial sums = {expression(stmt.value)}"
