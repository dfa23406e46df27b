"""What a rule asks of a layer, in the words and numbers shown under its source line."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from math import prod

from qdsl.mapspace.formula import atoms
from qdsl.mapspace.occupancy import words_of
from qdsl.mapspace.rules import Capacity, Demand, Kept, Mesh, Quantity, Rule, Used, Width
from qdsl.mapspace.space import divisors_of
from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.constraint import (
    Bits,
    Constant,
    DimSize,
    Factor,
    Formula,
    Keep,
    Limit,
    Occupancy,
    Only,
    Operation,
    Order,
    TileExtent,
)
from qdsl.model.operator import Problem
from qdsl.symbolic.widths import packing_at

_MANY = 6


def rule_label(
    rule: Rule,
    demands: Sequence[Demand],
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
) -> str:
    """The label of a rule. demands: those of its demands that take part in the conflict."""
    match rule:
        case Width():
            return f"`{rule.tensor}` at {_bits(rule.stored)} does not fit a word of {_bits(rule.level.word_bits)}"
        case Capacity():
            return _capacity(rule, problem, bits)
        case Mesh():
            shared = " with the arrays outside it" if len(rule.places) > 1 else ""
            return f"{counted(rule.instances, 'instance')} along {rule.axis}{shared}"
        case Only():
            dims = [f"{d.part} = {problem.size(str(d.part))}" for d in demands]
            return f"allows no loop over {listed(dims, 'or')} at `{rule.place}`"
        case Limit():
            text = _latency(demands[0], accelerator)
        case Keep():
            text = f"makes it {'keep' if rule.kept else 'bypass'} {listed([f'`{d.part}`' for d in demands])}"
        case Order():
            text = _order([d for d in rule.dims if problem.size(d) > 1], rule.anchor)
        case _:
            text = "; ".join(_formula(d, rule.formula, accelerator, problem, bits) for d in demands)
    if rule.scope.condition:
        text += f"; applies since {names_with_values(rule.scope.condition, problem, bits)}"
    return text


def values_text(dim: str, values: Sequence[int], domain: Sequence[int]) -> str:
    """`K = 2`, `K >= 2`, `K in {2, 8}`: which of a dimension's ascending values are meant."""
    if len(values) == 1:
        return f"{dim} = {values[0]}"
    if len(values) > 2 and list(values) == list(domain[-len(values) :]):
        return f"{dim} >= {values[0]}"
    if len(values) > 2 and list(values) == list(domain[: len(values)]):
        return f"{dim} <= {values[-1]}"
    if len(values) > _MANY:
        return f"{dim} in {{{values[0]}, {values[1]}, ..., {values[-1]}}}"
    return f"{dim} in {{{', '.join(map(str, values))}}}"


def where(quantity: Factor | TileExtent) -> str:
    """`at `pe.x``, `in the tile of `glb``."""
    return f"at `{quantity.place}`" if isinstance(quantity, Factor) else f"in the tile of `{quantity.level}`"


def domain_of(quantity: Quantity, accelerator: Accelerator, problem: Problem) -> list[int]:
    """Every value a quantity could have by itself, ascending."""
    if isinstance(quantity, Kept):
        return [1, 2]
    if isinstance(quantity, Used):
        pooled = any(f.pooled for f in _fanouts(quantity, accelerator))
        total = accelerator.compute_instances if pooled else instances_of(quantity, accelerator)
        return list(range(1, total + 1))
    return list(divisors_of(problem.size(quantity.dim)))


def instances_of(quantity: Used, accelerator: Accelerator) -> int:
    """Instances of the fan-outs whose places these are."""
    return prod(f.x * f.y for f in _fanouts(quantity, accelerator))


def names_with_values(formula: Formula, problem: Problem, bits: MappingABC[str, int]) -> str:
    """The sizes and bit-widths a formula mentions: `K = 64, bits(W) = 4`."""
    found = dict.fromkeys(names_in(formula))
    return ", ".join(f"{n} = {bits.get(n[5:-1], 0) if n.startswith('bits(') else problem.size(n)}" for n in found)


def names_in(formula: Formula) -> list[str]:
    """The dimensions and bit-widths a formula mentions: `K`, `bits(W)`."""
    if isinstance(formula, Bits):
        return [f"bits({formula.tensor})"]
    if isinstance(formula, DimSize | Factor | TileExtent):
        return [formula.dim]
    return [n for x in formula.operands for n in names_in(x)] if isinstance(formula, Operation) else []


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def counted(n: int, noun: str) -> str:
    """`1 word`, `2 words`."""
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _order(dims: Sequence[str], anchor: str) -> str:
    if not anchor:
        return f"wants {' outside '.join(dims)}"
    return f"wants {', '.join(dims)} {anchor}" + (", in this order" if len(dims) > 1 else "")


def _capacity(rule: Capacity, problem: Problem, bits: MappingABC[str, int]) -> str:
    text = f"holds {counted(rule.words, 'word')}"
    kept = [t.name for t in problem.operator.tensors if rule.level.serves(rule.partition, t.name)]
    if len(kept) > 1:
        return f"{text} of {_bits(rule.level.word_bits)}"
    packing = packing_at(rule.level, kept[0], problem, bits)
    values = rule.words // rule.level.copies(kept[0]) * packing.per // packing.bits
    twice = ", twice" if rule.level.copies(kept[0]) > 1 else ""
    return f"{text}: {counted(values, 'value')} of {_bits(packing.stored)}{twice}"


def _formula(
    demand: Demand, formula: Formula, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]
) -> str:
    """What one conjunct asks. formula: the whole condition as written, for the names in it."""
    if not demand.quantities:
        given = names_with_values(formula, problem, bits)
        return f"is false with {given}" if given else "is never true"
    if isinstance(demand.part, Operation) and (shares := _shares(demand.part)):
        words = [counted(words_of(accelerator.level(x.level).resolved(), x.tensor), "word") for x in shares]
        return listed([f"`{x.level}` has {n}" for x, n in zip(shares, words, strict=True)])
    if len(demand.quantities) > 1:
        quantities = listed([_name(q) for q in demand.quantities])
        dims = dict.fromkeys(q.dim for q in demand.quantities if isinstance(q, Factor | TileExtent))
        sizes = ", ".join(f"{d} = {problem.size(d)}" for d in dims)
        return f"ties {quantities} together" + (f"; here {sizes}" if sizes else "")
    (quantity,) = demand.quantities
    domain = domain_of(quantity, accelerator, problem)
    allowed = [v for v in domain if not demand.refuted({quantity: (v, v)})]
    if isinstance(quantity, Kept):
        return f"needs `{quantity.level}` to {'keep' if allowed == [2] else 'bypass'} `{quantity.tensor}`"
    if isinstance(quantity, Used):
        return f"needs {_instances(allowed, domain)} of the {counted(instances_of(quantity, accelerator), 'instance')}"
    if not allowed:
        return f"no divisor of {quantity.dim} = {problem.size(quantity.dim)} satisfies this"
    return f"needs {values_text(quantity.dim, allowed, domain)} {where(quantity)}"


def _latency(demand: Demand, accelerator: Accelerator) -> str:
    if not isinstance(demand.part, Operation) or not isinstance(needed := demand.part.operands[1], Constant):
        return "is over before the first operation"
    return f"needs at least {int(needed.value)} of the {counted(accelerator.compute_instances, 'compute unit')}"


def _shares(formula: Formula) -> list[Occupancy]:
    found = (a for a in atoms(formula) if isinstance(a, Occupancy))
    return sorted(found, key=lambda a: (a.level, a.tensor or ""))


def _instances(allowed: Sequence[int], domain: Sequence[int]) -> str:
    if not allowed:
        return "a number that does not exist"
    if len(allowed) == 1:
        return str(allowed[0])
    if allowed == domain[-len(allowed) :]:
        return f"at least {allowed[0]}"
    if allowed == domain[: len(allowed)]:
        return f"at most {allowed[-1]}"
    return f"one of {len(allowed)} numbers"


def _fanouts(quantity: Used, accelerator: Accelerator) -> list[FanOut]:
    return [f for f in accelerator.fanouts if set(f.places) <= set(quantity.places)]


def _name(quantity: Quantity) -> str:
    if isinstance(quantity, Used):
        return f"the use of {' and '.join(f'`{p[:-2]}`' for p in quantity.places[::2])}"
    if isinstance(quantity, Kept):
        return f"whether `{quantity.level}` keeps `{quantity.tensor}`"
    return f"{quantity.dim} {where(quantity)}"


def _bits(n: int) -> str:
    return counted(n, "bit")
