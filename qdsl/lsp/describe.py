"""Parts of the checked model in words, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qdsl.model.accelerator import Accelerator, ComputeUnit, FanOut, StorageLevel
from qdsl.model.check_operator import OperatorTemplate
from qdsl.model.check_technology import Energies
from qdsl.model.network import Layer, Network
from qdsl.model.operator import Problem, Tensor
from qdsl.model.study import Study, WrittenMapping
from qdsl.model.width_formula import WidthFormula
from qdsl.readable import duration, energy, memory
from qdsl.syntax.tree import ConstraintsDecl

MOST = 12  # layers or constraints that are listed


def accelerator_text(accelerator: Accelerator) -> Iterator[str]:
    for part in (*accelerator.hierarchy, accelerator.compute):
        first, *_ = part_text(part)
        yield f"- `{part.name}`: {first}"
    if accelerator.clock_hz:
        yield f"- clock {accelerator.clock_hz / 1e6:g} MHz"


def part_text(part: StorageLevel | FanOut | ComputeUnit) -> Iterator[str]:
    """The size of a memory, array or compute unit, then the rest."""
    if isinstance(part, StorageLevel):
        yield from _level(part)
    elif isinstance(part, FanOut):
        yield f"{part.x} x {part.y} = {part.x * part.y:,} instances"
        for what, tensors in (("multicasts", part.multicast), ("reduces", part.reduce)):
            if tensors is not None:
                yield f"{what} {_listed(tensors)}"
        if part.forward:
            yield f"forwards {_listed(part.forward)}"
        if part.hop_pj_per_bit:
            yield f"{part.hop_pj_per_bit:g} pJ per bit and hop{_source(part.source)}"
    else:
        if part.layers:
            yield f"states the cost of {', '.join(f'`{c.operator}`' for c in part.layers)}{_source(part.source)}"
            yield from (f"`{c.operator}`: {_formula(c.cycles)} cycles" for c in part.layers)
            return
        of = _formula(part.energy) if isinstance(part.energy, WidthFormula) else f"{part.energy:g}"
        rate = f", {_formula(part.throughput)} operations per cycle" if part.throughput else ""
        yield f"{of} pJ per operation{rate}{_source(part.source)}"


def _level(level: StorageLevel) -> Iterator[str]:
    if level.all_partitions:
        sizes = [
            f"{p.size_words:,} words{f' for {_listed(p.tensors)}' if p.tensors else ''}" for p in level.all_partitions
        ]
        bits = sum(p.size_words for p in level.all_partitions) * level.word_bits
        yield f"{', '.join(sizes)} of {level.word_bits} bits: {memory(bits)}"
    else:
        yield f"no limit, words of {level.word_bits} bits"
    kept = "all tensors" if level.keep is None else _listed(level.keep)
    yield f"keeps {kept}" + (f", may keep {_listed(level.optional)}" if level.optional else "")
    e = level.energy
    block = f"{level.block_words} word{'s' * (level.block_words > 1)} ({level.block_words * level.word_bits} bits)"
    yield f"read {e.read_pj:g} pJ, write {e.write_pj:g} pJ, update {e.update_pj:g} pJ per {block}{_source(e.source)}"
    for port in level.all_ports:
        rates = [f"{what} {rate:g}" for what, rate in (("read", port.read), ("write", port.write)) if rate is not None]
        yield f"{', '.join(rates)} words per cycle" + (f" for {_listed(port.tensors)}" if port.tensors else "")
    for tensor, rule in level.stored:
        yield f"`{tensor}` is stored at {_formula(rule)} bits"


def energies_text(entry: Energies) -> Iterator[str]:
    if entry.operation is not None:
        yield f"{entry.operation.text} pJ per operation{_source(entry.source)}"
        return
    width = f" per access of {entry.width_bits} bits" if entry.width_bits else " per access of a word"
    yield ", ".join(f"{access} {q}" for access, q in entry.accesses.items()) + width + _source(entry.source)


def operator_text(template: OperatorTemplate) -> Iterator[str]:
    rule = template.decl.rules[0].span
    yield f"- dimensions {', '.join(template.dims)}"
    if weights := [w.name for w in template.decl.weights]:
        yield f"- weights {', '.join(weights)}"
    yield code(" ".join(rule.source.text[rule.start : rule.end].split()))


def network_text(network: Network) -> Iterator[str]:
    weights = sum(x.problem.values(t) for x in network.layers for t in x.problem.operator.weights)
    yield f"- {len(network.layers)} layers, {len(network.distinct_problems)} of them distinct"
    yield f"- {sum(x.problem.operations for x in network.layers):,} operations, {weights:,} weights"
    for a in network.activations:
        if a.is_input or a.name in network.outputs:
            yield f"- {'input' if a.is_input else 'output'} `{a.name}`: {_shape(a.shape)}"


def layers_text(layers: Sequence[Layer]) -> Iterator[str]:
    """One layer with the shapes of its tensors, or several in a table."""
    if len(layers) == 1:
        (layer,) = layers
        yield f"{_sizes(layer.problem)}: {layer.problem.operations:,} operations"
        for tensor in layer.problem.operator.tensors:
            read = dict(layer.inputs).get(tensor.name)
            yield f"- `{tensor.name}`{f' (`{read}`)' if read else ''}: {tensor_shape(layer.problem, tensor)}"
        return
    yield "| layer | operator | sizes | operations |\n|---|---|---|---|\n" + "\n".join(
        f"| `{x.name}` | {x.problem.operator.name} | {_sizes(x.problem)} | {x.problem.operations:,} |"
        for x in layers[:MOST]
    )
    if len(layers) > MOST:
        yield f"and {len(layers) - MOST} more"


def tensor_shape(problem: Problem, tensor: Tensor) -> str:
    return f"{_shape(problem.shape(tensor))} = {problem.values(tensor):,} values"


def mapping_text(written: WrittenMapping) -> Iterator[str]:
    """What it costs, if it is legal."""
    from qdsl.symbolic.evaluate import evaluate
    from qdsl.symbolic.written import mapping_findings

    yield f"`{written.network}.{written.layer.name}` onto `{written.accelerator.name}`"
    if mapping_findings(written):
        return
    cost = evaluate(written.accelerator, written.layer.problem, dict(written.bits), written.mapping)
    clock = written.accelerator.clock_hz
    time = f" ({duration(cost.cycles / clock)})" if clock else ""
    used = f"{cost.utilization:.1%} of the compute units used"
    yield f"{energy(cost.energy_pj)}, {cost.cycles:,} cycles{time}, {used}"


def statements(decl: ConstraintsDecl) -> str:
    """The first constraints of a set as they are written."""
    texts = [" ".join(c.span.source.text[c.span.start : c.span.end].split()) for c in decl.body]
    return code(*texts[:MOST], *(["..."] if len(texts) > MOST else []))


def study_text(study: Study) -> Iterator[str]:
    variables = study.precision.variables
    designs = 1
    for v in variables:
        designs *= len(v.options)
    yield f"- `{study.network.name}` onto `{study.accelerator.name}`, {len(study.constraints)} constraints"
    yield f"- {len(variables)} bit-widths to choose: {float(designs):.3g} designs"
    limit = "" if study.largest_error is None else f", error at most {study.largest_error:g} %"
    yield f"- minimizes {', '.join(study.objectives)}{limit}"
    if study.accuracy:
        yield f"- measures the error by `{study.accuracy}`"


def formulas_text(written: WrittenMapping, level: str) -> str:
    """The counts of a legal mapping at a memory, with the formulas they follow from."""
    from qdsl.symbolic import explanation
    from qdsl.symbolic.notation import TEXT, write

    found = explanation(written.accelerator, written.layer.problem, dict(written.bits), written.mapping)
    part = next(p for p in found.levels if p.name == level)
    lines = []
    for tensor in part.tensors:
        tile = f"tile {' x '.join(map(str, tensor.shape))} = {tensor.values:,} values of {tensor.packing}"
        lines.append(f"{tensor.name}: {tile}, {energy(tensor.energy_pj)}")
        for count in tensor.counts:
            formula = "" if count.formula is None else f" = {write(count.formula, found.factors, TEXT)}"
            lines.append(f"  {count.kind:<7} {count.value:,}{formula}")
    return f"In `{written.name}`, words of one instance over the whole run:\n\n{code(*lines)}"


def code(*lines: str) -> str:
    return "\n".join(["```", *lines, "```"])


def _formula(formula: WidthFormula) -> str:
    return f"`{formula.text}`"


def _sizes(problem: Problem) -> str:
    return ", ".join(f"{d} {n}" for d, n in zip(problem.operator.dims, problem.sizes, strict=True))


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _listed(tensors: Iterable[str]) -> str:
    return ", ".join(sorted(tensors)) or "none"


def _source(source: str | None) -> str:
    return f" ({source})" if source else ""
