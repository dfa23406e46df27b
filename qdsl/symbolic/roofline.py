"""What limits the speed of a mapping: the compute units, the part of them it uses, or a bandwidth (section "Roofline" of
README.md)."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass

from qdsl.model.accelerator import Accelerator, Port, StorageLevel
from qdsl.model.operator import Problem
from qdsl.symbolic.result import Evaluation, LevelCounts


@dataclass(frozen=True, slots=True)
class Flow:
    """Words through a port of a level over the run.

    direction: 'reads', 'writes' (fills and updates), or '' for both, where the port has no bandwidth; tensors: whose port
    it is, () for that of all without their own; words, bandwidth: per instance, in words and words per cycle, None for no
    limit; instances: used of `all_instances`; intensity: operations per word of all instances, None if nothing moves.
    """

    level: str
    direction: str
    tensors: tuple[str, ...]
    words: int
    bandwidth: float | None
    instances: int
    all_instances: int
    intensity: float | None

    @property
    def name(self) -> str:
        """`glb`, `glb reads`, `glb reads of W`."""
        return f"{self.level} {self.direction}".rstrip() + (f" of {', '.join(self.tensors)}" if self.tensors else "")

    @property
    def cycles(self) -> float:
        """That the words need, 0 without a limit."""
        return self.words / self.bandwidth if self.bandwidth else 0.0

    @property
    def roof(self) -> float | None:
        """Words per cycle of all instances there are."""
        return self.bandwidth * self.all_instances if self.bandwidth else None


@dataclass(frozen=True, slots=True)
class Roofline:
    """useful: share of the used units' steps that the problem needs, below 1 with imperfect factors only; peak: operations
    per cycle if all compute units worked; compute_cycles: what the used ones need; flows: outermost
    level first; port: the flow whose bandwidth sets the number of cycles, None if none does."""

    operations: int
    cycles: int
    compute_cycles: int
    units: int
    used_units: int
    useful: float
    peak: float
    flows: tuple[Flow, ...]
    port: Flow | None

    @property
    def attained(self) -> float:
        """Operations per cycle; 0 of a layer that takes none."""
        return self.operations / self.cycles if self.cycles else 0.0

    @property
    def limit(self) -> str:
        """'port': a bandwidth; 'compute': all units work in every cycle; 'array': the mapping uses only some of them."""
        if self.port:
            return "port"
        return "compute" if self.used_units == self.units else "array"

    @property
    def limited_by(self) -> str:
        """The same for people: `bandwidth of glb reads`, `compute`, `array (50.0% used)`, `compute (90.0% useful)`."""
        if self.port:
            return f"bandwidth of {self.port.name}"
        shares = [(self.used_units / self.units, "used"), (self.useful, "useful")]
        said = ", ".join(f"{share:.1%} {word}" for share, word in shares if share < 1)
        return f"{self.limit} ({said})" if said else self.limit

    def share(self, flow: Flow) -> float:
        """Of the flow's bandwidth that is used, 0..1."""
        return flow.cycles / self.cycles


def roofline(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], evaluation: Evaluation
) -> Roofline:
    """The roofline of an evaluated mapping of a layer at the given bit-widths."""
    mapped = accelerator.resolved(_bypass(accelerator, evaluation))
    flows = tuple(
        flow
        for item, level in enumerate(mapped.hierarchy)
        if isinstance(level, StorageLevel)
        for flow in _flows(level, evaluation.level(level.name), mapped.instances(item), evaluation.operations)
    )
    slowest = max(flows, key=lambda flow: flow.cycles)
    units, each = mapped.compute_instances, mapped.compute.cycles_per_operation(problem, bits)
    return Roofline(
        evaluation.operations,
        evaluation.cycles,
        evaluation.compute_cycles,
        units,
        round(evaluation.utilization * units),
        evaluation.useful,
        float(units / each) if each else 0.0,
        flows,
        slowest if slowest.cycles > evaluation.compute_cycles else None,
    )


def _flows(level: StorageLevel, counts: LevelCounts, all_instances: int, operations: int) -> Iterator[Flow]:
    for port in (Port(level.read_bandwidth, level.write_bandwidth), *level.ports):
        served = [(name, c) for name, c in counts.tensors if level.serves(port, name)]
        if not served:
            continue
        reads, writes = sum(c.reads for _, c in served), sum(c.fills + c.updates for _, c in served)
        directions = [("reads", reads, port.read), ("writes", writes, port.write)]
        if port.read is None and port.write is None:
            directions = [("", reads + writes, None)]
        tensors = tuple(name for name, _ in served) if port.tensors else ()
        instances = served[0][1].instances
        for direction, words, bandwidth in directions:
            intensity = operations / (words * instances) if words else None
            yield Flow(level.name, direction, tensors, words, bandwidth, instances, all_instances, intensity)


def _bypass(accelerator: Accelerator, evaluation: Evaluation) -> frozenset[tuple[str, str]]:
    """What levels could keep and the evaluated mapping does not."""
    kept = {(level.name, tensor) for level in evaluation.levels for tensor, _ in level.tensors}
    return frozenset((x.name, t) for x in accelerator.levels for t in x.optional if (x.name, t) not in kept)
