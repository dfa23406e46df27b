"""An accelerator and a layer as AccelForge's input files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from qdsl.diagnostics import Diagnostic, Severity, Span, SpecError
from qdsl.exchange.unsaid import unsaid
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.operator import Axis, Problem, Tensor

# What it does without, of a spec: AccelForge has no such notion, or it needs seconds where qdsl has cycles.
_WITHOUT = (
    *("leakage", "hop", "forward", "separate_diagonals", "unshared", "pooled", "throughput", "ports", "partitions"),
    *("dense", "update", "doubled", "some_doubled", "first_output_fills", "bandwidth"),
)


def export_accelforge(
    accelerator: Accelerator, name: str, problem: Problem, bits: Mapping[str, int], span: Span | None = None
) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Text by file name, `arch.yaml` and `workload.yaml`, and warnings of what is not in them. Energies are pJ.

    Raises SpecError for an operator that its einsums cannot say.
    """
    operator = problem.operator
    if operator.combine != "*" or len(operator.inputs) != 2:
        message = f"AccelForge's einsums cannot say operator `{operator.name}`"
        raise SpecError(
            [Diagnostic("Q0984", message, operator.span or span, notes=("it has products of two tensors",))]
        )
    files = {
        "arch.yaml": _text(architecture(accelerator, problem, bits)),
        "workload.yaml": _text(workload(problem, bits, name)),
    }
    warnings = [*unsaid(accelerator, "AccelForge", _WITHOUT), *_widths(accelerator, problem, bits)]
    return files, tuple(warnings)


def tensor_name(tensor: str) -> str:
    """AccelForge has names of its own, `I` among them."""
    return f"{tensor}_"


def architecture(accelerator: Accelerator, problem: Problem, bits: Mapping[str, int]) -> Iterator[str]:
    """Lines of YAML, outermost node first."""
    yield "arch:"
    yield "  nodes:"
    for part in accelerator.hierarchy:
        if isinstance(part, FanOut):
            yield "  - !Container"
            yield f"    name: {part.name}"
            yield f"    spatial: [{{name: x, fanout: {part.x}}}, {{name: y, fanout: {part.y}}}]"
        else:
            yield from _memory(part, [t.name for t in problem.operator.tensors])
    yield "  - !Compute"
    yield f"    name: {accelerator.compute.name}"
    yield "    leak_power: 0"
    yield f"    area: {accelerator.compute.area_mm2 or 0}"
    energy = accelerator.compute.operation_pj(problem, bits)
    yield f"    actions: [{{name: compute, energy: {energy}, throughput: 1, latency: 0}}]"


def workload(problem: Problem, bits: Mapping[str, int], name: str) -> Iterator[str]:
    """Lines of YAML. Ranks are the axes of tensors: where an axis has several dimensions, it is one of its own."""
    operator = problem.operator
    yield "workload:"
    yield "  iteration_space_shape:"
    for d in operator.dims:
        yield f"    {d.lower()}: 0 <= {d.lower()} < {problem.size(d)}"
    yield f"  bits_per_value: {{{', '.join(f'{tensor_name(t.name)}: {bits[t.name]}' for t in operator.tensors)}}}"
    yield "  einsums:"
    yield f"  - name: {name.replace('.', '_')}"
    yield "    tensor_accesses:"
    for t in operator.tensors:
        output = ", output: True" if t.is_output else ""
        yield f"    - {{name: {tensor_name(t.name)}, projection: {{{', '.join(_ranks(t))}}}{output}}}"
    first, second = sorted(operator.inputs, key=lambda t: t.is_weight)
    roles = {"input": first, "weight": second, "output": operator.output}
    yield f"    renames: {{{', '.join(f'{role}: {tensor_name(t.name)}' for role, t in roles.items())}}}"


def _memory(level: StorageLevel, tensors: list[str]) -> Iterator[str]:
    rest = f"throughput: inf, latency: 0, bits_per_action: {level.word_bits * level.block_words}"
    yield "  - !Memory"
    yield f"    name: {level.name}"
    yield f"    size: {'inf' if level.size_words is None else level.size_words * level.word_bits}"
    yield "    leak_power: 0"
    yield f"    area: {level.area_mm2 or 0}"
    yield f"    tensors: {{{_kept(level, tensors)}}}"
    yield "    actions:"
    yield f"    - {{name: read, energy: {level.energy.read_pj}, {rest}}}"
    yield f"    - {{name: write, energy: {level.energy.write_pj}, {rest}}}"


def _kept(level: StorageLevel, tensors: list[str]) -> str:
    kept = [t for t in tensors if level.keeps(t) and t not in level.optional]
    open_ = [t for t in tensors if t in level.optional]
    if kept == tensors:
        return "keep: All"
    return f"keep: {_set(kept)}, may_keep: {_set(open_)}"


def _set(tensors: list[str]) -> str:
    return " | ".join(map(tensor_name, tensors)) or "Nothing"


def _ranks(tensor: Tensor) -> Iterator[str]:
    for i, axis in enumerate(tensor.axes):
        yield f"{axis.terms[0].dim if len(axis.terms) == 1 else f'{tensor.name}{i}'}: {_index(axis)}"


def _index(axis: Axis) -> str:
    return " + ".join(f"{t.coefficient} * {t.dim.lower()}" if t.coefficient > 1 else t.dim.lower() for t in axis.terms)


def _widths(accelerator: Accelerator, problem: Problem, bits: Mapping[str, int]) -> Iterator[Diagnostic]:
    for level in accelerator.levels:
        for tensor in (t.name for t in problem.operator.tensors):
            if level.keeps(tensor) and level.stored_bits(tensor, problem, bits) != bits[tensor]:
                message = f"the width of `{tensor}` at `{level.name}` is left out"
                note = "a tensor has one width in these files"
                yield Diagnostic("Q0982", message, level.span, notes=(note,), severity=Severity.WARNING)


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
