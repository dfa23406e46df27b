"""What other tools have no word for, of an accelerator: named in a warning each, or refused."""

from __future__ import annotations

from collections.abc import Container, Iterator

from qdsl.diagnostics import Diagnostic, Severity, Span, SpecError
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel

Said = tuple[str, str, Span | None]  # kind, words, place


def unsaid(accelerator: Accelerator, tool: str, without: Container[str]) -> Iterator[Diagnostic]:
    """A warning for every statement of a kind that a tool is without."""
    for kind, words, span in _statements(accelerator):
        if kind in without:
            note = f"{tool}'s files have no word for it: numbers that depend on it differ"
            yield Diagnostic("Q0982", f"{words} is left out", span, notes=(note,), severity=Severity.WARNING)


def refuse(accelerator: Accelerator, tool: str) -> None:
    """Raises SpecError if a memory leaves open what it keeps, and the tool does not."""
    found = [
        Diagnostic(
            "Q0984",
            f"{tool}'s files cannot say `may keep` of `{level.name}`",
            level.span,
            helps=("state what it keeps",),
        )
        for level in accelerator.levels
        if level.optional
    ]
    if found:
        raise SpecError(found)


def _statements(accelerator: Accelerator) -> Iterator[Said]:
    for part in accelerator.hierarchy:
        yield from _array(part) if isinstance(part, FanOut) else _memory(part)
    unit = accelerator.compute
    if unit.throughput is not None:
        yield "throughput", f"`throughput` of `{unit.name}`", unit.span
    if unit.layers:
        yield "throughput", f"the cost of whole layers of `{unit.name}`", unit.span
    if unit.leakage_pj:
        yield "leakage", f"`leakage` of `{unit.name}`", unit.span
    if accelerator.first_output_fills:
        yield "first_output_fills", "`first_output_fills`", accelerator.span


def _memory(level: StorageLevel) -> Iterator[Said]:
    stated = {
        "leakage": (level.leakage_pj != 0, "`leakage`"),
        "ports": (bool(level.ports), "`bandwidth ... for` some tensors"),
        "partitions": (bool(level.partitions), "`size ... for` some tensors"),
        "dense": (level.dense, "`packing dense`"),
        "update": (level.energy.update_pj != level.energy.write_pj, "the energy of an `update`"),
        "doubled": (level.double_buffered is None, "`double_buffered`"),
        "some_doubled": (bool(level.double_buffered), "`double_buffered` for some tensors"),
        "bandwidth": (level.read_bandwidth is not None or level.write_bandwidth is not None, "`bandwidth`"),
    }
    yield from ((kind, f"{words} of `{level.name}`", level.span) for kind, (is_so, words) in stated.items() if is_so)


def _array(array: FanOut) -> Iterator[Said]:
    stated = {
        "hop": (array.hop_pj_per_bit != 0, "`energy hop`"),
        "forward": (bool(array.forward), "`forward`"),
        "separate_diagonals": (array.separate_diagonals, "`separate_diagonals`"),
        "unshared": (array.multicast is not None or array.reduce is not None, "what is not shared over"),
        "pooled": (array.pooled, "`pooled`"),
    }
    yield from ((kind, f"{words} of `{array.name}`", array.span) for kind, (is_so, words) in stated.items() if is_so)
