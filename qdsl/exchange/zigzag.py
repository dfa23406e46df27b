"""An accelerator and a layer as ZigZag's input files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qdsl.diagnostics import Diagnostic, Severity, Span, SpecError
from qdsl.exchange.unsaid import refuse, unsaid
from qdsl.exchange.yaml import write_yaml
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.operator import Axis, Problem, Tensor

UNLIMITED_BITS = 2**40  # a backing store has no size here and needs one there
OPERANDS = {"I": "I1", "W": "I2", "O": "O"}  # ZigZag's operands of a layer, and how its memories call them

# What it does without, of a spec: ZigZag decides by itself, or has no such cost.
_WITHOUT = (
    *("leakage", "hop", "forward", "separate_diagonals", "unshared", "pooled", "throughput", "ports", "partitions"),
    *("dense", "update", "some_doubled", "first_output_fills"),
)


def export_zigzag(
    accelerator: Accelerator, name: str, problem: Problem, bits: Mapping[str, int], span: Span | None = None
) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Text by file name, `accelerator.yaml`, `workload.yaml` and `mapping.yaml`, and warnings of what is not in them.

    The mapping file leaves all to ZigZag's search. Raises SpecError for what would make another machine or layer.
    """
    roles = roles_of(problem, span)
    refuse(accelerator, "ZigZag")
    workload = layer_data(accelerator, problem, bits, {}, roles, name)
    files = {
        "accelerator.yaml": write_yaml(machine_data(accelerator, problem, bits, roles)),
        "workload.yaml": write_yaml([workload]),
        "mapping.yaml": write_yaml([{"name": "default", "memory_operand_links": dict(OPERANDS)}]),
    }
    warnings = [*unsaid(accelerator, "ZigZag", _WITHOUT), *_widths(accelerator, problem, bits, roles)]
    return files, tuple(warnings)


@dataclass(frozen=True)
class Roles:
    """ZigZag's name of every tensor: I, W and O."""

    of: Mapping[str, str]

    def tensor(self, role: str) -> str:
        return next(t for t, r in self.of.items() if r == role)


def roles_of(problem: Problem, span: Span | None = None) -> Roles:
    """Raises SpecError for a layer that is no product of two tensors with at most two dimensions in an axis of the first."""
    operator = problem.operator
    inputs = sorted(operator.inputs, key=lambda t: t.is_weight)
    found = {t.name: role for t, role in zip((*inputs, operator.output), "IWO", strict=False)}
    single = [t for t in (*inputs[1:], operator.output) if any(len(a.terms) > 1 for a in t.axes)]
    if len(inputs) != 2 or operator.combine != "*" or single or any(len(a.terms) > 2 for a in inputs[0].axes):
        message = f"ZigZag's workloads cannot say operator `{operator.name}`"
        note = "they are sums of products of two tensors, of which the first may have windows over two dimensions"
        raise SpecError([Diagnostic("Q0984", message, operator.span or span, notes=(note,))])
    return Roles(found)


def layer_data(
    accelerator: Accelerator,
    problem: Problem,
    bits: Mapping[str, int],
    padding: Mapping[str, tuple[int, int]],
    roles: Roles,
    name: str,
) -> dict[str, Any]:
    """Sums of two dimensions in an index become a dimension of their own, named after the first of them. padding: zeros
    before and after an axis of the inputs, by the name of the output dimension in it."""
    operator = problem.operator
    tensors = {roles.of[t.name]: t for t in operator.tensors}
    windows = {_window(a): a for a in tensors["I"].axes if len(a.terms) == 2}
    final, sums = _widths_of_results(accelerator, problem, bits)
    i, w, o = (_indices(tensors[role]) for role in "IWO")
    return {
        "id": 0,
        "name": name,
        "operator_type": "Conv",
        "equation": f"O{o}+=I{i}*W{w}",
        "dimension_relations": [f"{d}={_sum(a)}" for d, a in windows.items()],
        "loop_dims": list(operator.dims),
        "loop_sizes": list(problem.sizes),
        "operand_precision": {"I": bits[tensors["I"].name], "W": bits[tensors["W"].name], "O": sums, "O_final": final},
        "operand_source": {"W": 0},
        "pr_loop_dims": list(windows),
        "pr_loop_sizes": None,
        "padding": [list(padding.get(d[1:], (0, 0))) for d in windows],
    }


def machine_data(accelerator: Accelerator, problem: Problem, bits: Mapping[str, int], roles: Roles) -> dict[str, Any]:
    """The memories innermost first. A memory serves the dimensions of the arrays inside it."""
    sizes: list[int] = []
    memories: dict[str, Any] = {}
    for part in reversed(accelerator.hierarchy):
        if isinstance(part, FanOut):
            sizes += [part.x, part.y]
        else:
            memories[part.name] = _memory(part, len(sizes), roles)
    array = {
        "is_imc": False,
        "unit_energy": accelerator.compute.operation_pj(problem, bits),
        "unit_area": accelerator.compute.area_mm2 or 0.0,
        "dimensions": [f"D{i + 1}" for i in range(len(sizes))],
        "sizes": sizes,
        "systolic_dimensions": [],
    }
    return {"name": accelerator.name, "operational_array": array, "memories": memories}


def _memory(level: StorageLevel, served: int, roles: Roles) -> dict[str, Any]:
    """Ports move one access of `width` per cycle, which is ZigZag's notion of width; transfers are rounded up to words. A
    level with a bandwidth has one port to read and one to write, one without has a port for every direction of a tensor."""
    kept = {role for tensor, role in roles.of.items() if level.keeps(tensor)}
    operands = [name for role, name in OPERANDS.items() if role in kept]
    reads = [f"{x}, tl" for x in operands] + [f"{x}, th" for x in operands if x == "O"]
    writes = [f"{x}, fh" for x in operands] + [f"{x}, fl" for x in operands if x == "O"]
    shared = level.read_bandwidth is not None or level.write_bandwidth is not None
    ports = [("read", x) for x in ([reads] if shared else [[x] for x in reads])]
    ports += [("write", x) for x in ([writes] if shared else [[x] for x in writes])]
    width = {"bandwidth_min": level.word_bits, "bandwidth_max": level.word_bits * level.block_words}
    return {
        "size": UNLIMITED_BITS if level.size_words is None else level.size_words * level.word_bits,
        "mem_type": "sram",
        "r_cost": level.energy.read_pj,
        "w_cost": level.energy.write_pj,
        "area": level.area_mm2 or 0.0,
        "latency": 1,
        "auto_cost_extraction": False,
        "force_double_buffering": level.double_buffered is None,
        "operands": operands,
        "ports": [
            {"name": f"{kind[0]}_port_{i + 1}", "type": kind, "allocation": allocation, **width}
            for i, (kind, allocation) in enumerate(ports)
        ],
        "served_dimensions": [f"D{i + 1}" for i in range(served)],
    }


def _widths_of_results(accelerator: Accelerator, problem: Problem, bits: Mapping[str, int]) -> tuple[int, int]:
    """Of results, the outermost memory's, and of sums, the innermost one's."""
    output = problem.operator.output.name
    kept = [x.stored_bits(output, problem, bits) for x in accelerator.levels if x.keeps(output)]
    return kept[0], kept[-1]


def _widths(accelerator: Accelerator, problem: Problem, bits: Mapping[str, int], roles: Roles) -> Iterator[Diagnostic]:
    final, sums = _widths_of_results(accelerator, problem, bits)
    for level in accelerator.levels:
        for tensor, role in roles.of.items():
            known = {final, sums} if role == "O" else {bits[tensor]}
            if level.keeps(tensor) and level.stored_bits(tensor, problem, bits) not in known:
                message = f"the width of `{tensor}` at `{level.name}` is left out"
                note = "ZigZag has one width per tensor, and one more for sums"
                yield Diagnostic("Q0982", message, level.span, notes=(note,), severity=Severity.WARNING)


def _window(axis: Axis) -> str:
    return f"I{axis.terms[0].dim}"


def _indices(tensor: Tensor) -> str:
    return "".join(f"[{_window(a) if len(a.terms) == 2 else a.terms[0].dim}]" for a in tensor.axes)


def _sum(axis: Axis) -> str:
    return "+".join(f"{t.coefficient}*{t.dim}" for t in axis.terms)
