"""Written mappings: every place, dimension and factor is checked; whether the tiles fit is left to the legality check."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from math import prod

from qdsl.diagnostics import Label, Sink, did_you_mean
from qdsl.model.accelerator import Accelerator, Bypass
from qdsl.model.check_accelerator import check_widths_known
from qdsl.model.expressions import number
from qdsl.model.findings import (
    MOST_LISTED,
    collecting,
    distinct,
    fail,
    hand_on,
    lookup,
    quoted,
    skip,
    unknown,
    warn,
    whole_name,
)
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.network import Layer, Network
from qdsl.model.study import WrittenMapping
from qdsl.model.units import BITS, COUNT, whole
from qdsl.syntax.tree import BitsStmt, BypassStmt, Ident, ImperfectStmt, MappingDecl, Name, NestStmt

BITS_LIMIT = 64

Places = dict[str, tuple[Loop, ...]]


def check_mapping(
    decl: MappingDecl,
    networks: dict[str, Network | None],
    accelerator: Accelerator | None,
    sink: Sink,
    declared: MappingABC[tuple[str, str], Ident],
) -> WrittenMapping | None:
    """The mapping as data; None if errors were found. accelerator: None if it was reported as wrong."""
    found = Sink()
    layer = None
    with collecting(found):
        _refuse_layer_alone(decl.layer, networks)
        network = lookup("network", decl.layer.parts[0], networks, declared=declared)
        (layer,) = find_layers(network, decl.layer, decl.layer.parts[1:])
    if layer is None or accelerator is None:
        hand_on(found, sink)
        return None
    with collecting(found):
        check_widths_known(accelerator, [layer])
    bits: dict[str, int] = {}
    with collecting(found):
        bits = _bits(decl, layer, accelerator)
    nests = [s for s in decl.statements if isinstance(s, NestStmt)]
    places: dict[str, tuple[Loop, ...]] = dict.fromkeys(accelerator.places, ())
    for nest in nests:
        with collecting(found):
            place = check_place(nest.place, accelerator, "parallel" if nest.kind == "parallel" else "for")
            places[place] = _loops(nest, layer)
    with collecting(found):
        _check_order(nests, accelerator)
    bypass: Bypass = frozenset()
    with collecting(found):
        bypass = _bypass(decl, accelerator)
    imperfect: ImperfectStmt | None = None
    with collecting(found):
        imperfect = _imperfect(decl)
    if not found.errors:
        for dim in layer.problem.operator.dims:
            with collecting(found):
                _check_product(decl, dim, layer, places, imperfect)
    if imperfect and not found.errors and not _is_needed(layer, places):
        text = "the factors of every dimension multiply to its size"
        warn(found, "Q0609", text, imperfect.span, label="nothing is imperfect", helps=["remove the statement"])
        imperfect = None
    if not hand_on(found, sink):
        return None
    kept = tuple((p, tuple(loop for loop in loops if loop.factor > 1)) for p, loops in places.items())
    mapping = Mapping(kept, bypass, imperfect=imperfect.kind if imperfect else "")
    name = decl.layer.parts[0].name
    ordered = tuple((t.name, bits[t.name]) for t in layer.problem.operator.tensors)
    return WrittenMapping(decl.name.name, name, layer, accelerator, ordered, mapping, decl.name.span)


def _refuse_layer_alone(name: Name, networks: MappingABC[str, Network | None]) -> None:
    """Raises SpecError for the name of a layer without that of its network."""
    if name.parts[0].name not in networks:
        having = [n for n in networks.values() if n and name.dotted in [x.output for x in n.layers]]
        if having:
            labels = [Label(n.span, "has such a layer") for n in having if n.span]
            helps = [f"write `{n.name}.{name.dotted}`" for n in having]
            fail(
                "Q0201", f"`{name.dotted}` is no network", name.span, label="a layer alone", labels=labels, helps=helps
            )


def find_layers(network: Network, name: Name, parts: Sequence[Ident]) -> tuple[Layer, ...]:
    """The layer that the parts name, or the groups it is split into. Raises SpecError."""
    wanted = ".".join(p.name for p in parts)
    if writers := network.writers(wanted):
        return writers
    names = [layer.output for layer in network.layers]
    inside = [n for n in names if n.startswith(f"{wanted}.")] if wanted else names
    helps = did_you_mean(wanted, names) or ((f"its layers: {quoted(names)}",) if len(names) <= MOST_LISTED else ())
    if inside:
        shown = inside[:6]
        helps = (f"name one of its layers: {quoted(shown)}{', ...' if len(inside) > len(shown) else ''}",)
    text = f"network `{network.name}` has no layer `{wanted}`" if wanted else f"`{network.name}` is a whole network"
    labels = [Label(network.span, "declared here")] if network.span else []
    fail("Q0201", text, name.span, label="not a layer", labels=labels, helps=helps)


def check_place(name: Name, accelerator: Accelerator, use: str) -> str:
    """The place a name means. use: what stands there: 'for', 'temporal' (memories), 'parallel', 'spatial' (arrays), or what
    is asked of it: 'tile', 'occupancy', 'bandwidth' (memories).

    Raises SpecError for an unknown place or one of the other sort.
    """
    dotted, memories = name.dotted, [level.name for level in accelerator.levels]
    spatial = use in ("parallel", "spatial")
    asked = use in ("tile", "occupancy", "bandwidth")
    if dotted in [f.name for f in accelerator.fanouts]:
        if asked:
            text = f"`{dotted}` is an array, and `{use}` needs a memory"
            fail("Q0602", text, name.span, label="an array", helps=[f"memories are {quoted(memories)}"])
        text = f"`{dotted}` is an array: say which of its axes is meant"
        fail("Q0601", text, name.span, label="an array", helps=[f"`{dotted}.x` or `{dotted}.y`"])
    if dotted not in accelerator.places:
        unknown("place", whole_name(name), accelerator.places, of=accelerator)
    if spatial and dotted in memories:
        axes = [p for p in accelerator.places if p not in memories]
        text = f"`{dotted}` is a memory, and `{use}` needs an axis of an array"
        helps = [f"use `{'for' if use == 'parallel' else 'temporal'}`, or one of {quoted(axes)}"]
        fail("Q0602", text, name.span, label="a memory", helps=helps)
    if not spatial and dotted not in memories:
        text = f"`{dotted}` is an axis of an array, and `{use}` needs a memory"
        helps = [f"use `{'parallel' if use == 'for' else 'spatial'}`, or one of {quoted(memories)}"]
        if asked:
            helps = [f"memories are {quoted(memories)}"]
        fail("Q0602", text, name.span, label="an axis of an array", helps=helps)
    return dotted


def _bits(decl: MappingDecl, layer: Layer, accelerator: Accelerator) -> dict[str, int]:
    tensors = [t.name for t in layer.problem.operator.tensors]
    terms = [t for s in decl.statements if isinstance(s, BitsStmt) for t in s.terms]
    distinct("tensor", (t.tensor for t in terms))
    bits: dict[str, int] = {}
    for term in terms:
        if term.tensor.name not in tensors:
            unknown("tensor", term.tensor, tensors, of=layer.problem.operator)
        q = number(term.value, {}, f"the width of `{term.tensor.name}`", "bits W = 8", COUNT, BITS)
        n = whole(q, term.value.span, f"the width of `{term.tensor.name}` in bits", 1, BITS_LIMIT)
        for level in accelerator.levels:
            ruled = level.dense or term.tensor.name in dict(level.stored)
            if level.keeps(term.tensor.name) and n > level.word_bits and not ruled:
                text = f"`{term.tensor.name}` at {n} bits does not fit a word of `{level.name}`"
                labels = [Label(level.span, f"words of {level.word_bits} bits")] if level.span else []
                helps = [f"at most {level.word_bits} bits fit"]
                fail("Q0604", text, term.span, label=f"{n} bits", labels=labels, helps=helps)
        bits[term.tensor.name] = n
    if missing := [t for t in tensors if t not in bits]:
        text = f"mapping `{decl.name.name}` lacks the width of {quoted(missing)}"
        helps = [f"add `bits {', '.join(f'{t} = 8' for t in missing)}`"]
        fail("Q0604", text, decl.name.span, label="widths are missing", helps=helps)
    return bits


def _bypass(decl: MappingDecl, accelerator: Accelerator) -> Bypass:
    """What the levels do not keep though they may. Raises SpecError."""
    found: dict[tuple[str, str], Ident] = {}
    for stmt in decl.statements:
        if not isinstance(stmt, BypassStmt):
            continue
        for tensor in stmt.tensors:
            key = (stmt.level.name, checked_choice(stmt.level, tensor, accelerator))
            if key in found:
                labels = [Label(found[key].span, "first one")]
                fail("Q0202", f"`{tensor.name}` bypasses `{stmt.level.name}` already", tensor.span, labels=labels)
            found[key] = tensor
    return frozenset(found)


def checked_choice(level: Ident, tensor: Ident, accelerator: Accelerator) -> str:
    """A tensor that a level may keep and need not. Raises SpecError for others."""
    levels = {x.name: x for x in accelerator.levels}
    if level.name not in levels:
        unknown("memory", level, levels, of=accelerator)
    optional = levels[level.name].optional
    if tensor.name not in optional:
        text = f"`{level.name}` has no choice about `{tensor.name}`"
        helps = [f"it may keep {quoted(sorted(optional))}" if optional else "it has no `may keep`"]
        fail("Q0611", text, tensor.span, label="always kept, or never", helps=helps)
    return tensor.name


def _loops(nest: NestStmt, layer: Layer) -> tuple[Loop, ...]:
    dims = layer.problem.operator.dims
    for term in nest.loops:
        if term.dim.name not in dims:
            unknown("dimension", term.dim, dims, of=layer.problem.operator)
    distinct(f"loop at `{nest.place.dotted}` over", (t.dim for t in nest.loops))
    loops = []
    for term in nest.loops:
        what = f"the factor of `{term.dim.name}`"
        factor = whole(number(term.factor, {}, what, "for K 4"), term.factor.span, what)
        loops.append(Loop(term.dim.name, factor, term.span))
    return tuple(loops)


def _check_order(nests: Sequence[NestStmt], accelerator: Accelerator) -> None:
    """Raises SpecError unless the places go from the outermost inwards, each at most once."""
    last: NestStmt | None = None
    for nest in nests:
        if nest.place.dotted not in accelerator.places:
            skip()
        if last is not None:
            labels = [Label(last.place.span, "this one comes before")]
            order = [accelerator.places.index(n.place.dotted) for n in (last, nest)]
            if order[0] == order[1]:
                text = f"`{nest.place.dotted}` is written twice"
                fail(
                    "Q0605",
                    text,
                    nest.place.span,
                    label="second time",
                    labels=labels,
                    helps=["put all of its loops on one line"],
                )
            if order[0] > order[1]:
                text = f"`{nest.place.dotted}` lies outside `{last.place.dotted}`"
                helps = [f"outermost first: {', '.join(accelerator.places)}"]
                fail("Q0605", text, nest.place.span, label="out of order", labels=labels, helps=helps)
        last = nest


def _imperfect(decl: MappingDecl) -> ImperfectStmt | None:
    stated = [s for s in decl.statements if isinstance(s, ImperfectStmt)]
    for again in stated[1:]:
        labels = [Label(stated[0].span, "first given here")]
        fail("Q0105", "`imperfect` is given twice", again.span, label="second one", labels=labels)
    return stated[0] if stated else None


def _is_needed(layer: Layer, places: Places) -> bool:
    problem = layer.problem
    return any(prod(x.factor for _, x in _over(places, d)) != problem.size(d) for d in problem.operator.dims)


def _over(places: Places, dim: str) -> list[tuple[str, Loop]]:
    """The loops over a dimension with their places, outermost first."""
    return [(p, loop) for p, loops in places.items() for loop in loops if loop.dim == dim]


def _check_product(decl: MappingDecl, dim: str, layer: Layer, places: Places, imperfect: ImperfectStmt | None) -> None:
    """Raises SpecError unless the factors of a dimension multiply to its size, or to what an imperfect nest needs."""
    size = layer.problem.size(dim)
    factors = _over(places, dim)
    product = prod(loop.factor for _, loop in factors)
    if product == size:
        return
    if imperfect and product > size:
        _check_work(dim, layer, factors)
        return
    listed = " * ".join(f"{loop.factor} ({p})" for p, loop in factors)
    listed = f"the factors are {listed} = {product}" if factors else "no place has a loop over it"
    if imperfect or size % product == 0:
        needed = -(-size // product)
        advice = f"a further factor {needed} is needed, for example `{dim} {needed}` in one more loop"
    else:
        divisors = [n for n in range(1, min(size, 4096) + 1) if size % n == 0]
        advice = (
            f"factors must divide {size}: {', '.join(map(str, divisors[:16]))}{', ...' if len(divisors) > 16 else ''}"
        )
    helps = [advice]
    if product > size:
        helps.append("or let iterations lie past the size: `imperfect padded`, `imperfect partial`")
    fail(
        "Q0603",
        f"the loops over `{dim}` cover {product} of {size}",
        factors[0][1].span if factors else decl.name.span,
        label=f"factor {factors[0][1].factor}" if factors else f"has no loop over `{dim}`",
        labels=[Label(loop.span, f"factor {loop.factor}") for _, loop in factors[1:] if loop.span],
        notes=[f"`{dim}` of `{layer.name}` is {size}; {listed}"],
        helps=helps,
    )


def _check_work(dim: str, layer: Layer, factors: Sequence[tuple[str, Loop]]) -> None:
    """Raises SpecError if a loop has an iteration that never does anything. If any has, so has the outermost one: an inner
    loop that reaches past the size by itself leaves nothing for the loops outside it."""
    size = layer.problem.size(dim)
    turning = [(p, loop) for p, loop in factors if loop.factor > 1]
    place, outermost = turning[0]
    inside = prod(loop.factor for _, loop in turning[1:])
    needed = -(-size // inside)
    if needed < outermost.factor:
        fail(
            "Q0608",
            f"iterations over `{dim}` at `{place}` lie wholly past its size {size}",
            outermost.span,
            label=f"factor {outermost.factor}",
            notes=[f"one iteration covers {inside} of `{dim}`"],
            helps=[f"`{dim} {needed}` is enough" if needed > 1 else "leave the loop out"],
        )
