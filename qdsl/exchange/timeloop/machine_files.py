"""An accelerator as Timeloop's architecture of version 0.3, and its energies and areas as reference tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from qdsl.diagnostics import Diagnostic, Span, SpecError
from qdsl.exchange.timeloop.tables import SQUARE_MICROMETRES
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.operator import Problem

Entry = dict[str, object]


def between(outer: FanOut, inner: FanOut) -> str:
    """Timeloop has no array directly inside another one: the memory of nothing that stands between them."""
    return f"between_{outer.name}_and_{inner.name}"


def passing(accelerator: Accelerator) -> dict[str, FanOut]:
    """The memories of nothing, each with the array directly inside it."""
    real = [h for h in accelerator.hierarchy if not isinstance(h, FanOut) or h.x * h.y > 1]
    pairs = ((a, b) for a, b in pairwise(real) if isinstance(a, FanOut) and isinstance(b, FanOut))
    return {between(a, b): b for a, b in pairs}


def architecture(accelerator: Accelerator, span: Span | None) -> Entry:
    """Raises SpecError for what it cannot say."""
    if findings := list(_refused(accelerator, span)):
        raise SpecError(findings)
    added = {inner.name: name for name, inner in passing(accelerator).items()}
    instances, mesh_x = 1, 1
    local: list[Entry] = []
    for part in accelerator.hierarchy:
        if isinstance(part, StorageLevel):
            kind = "smartbuffer_SRAM" if local else "DRAM"
            local.append(_component(part.name, kind, _attributes(part, not local), instances, mesh_x))
            continue
        if part.name in added:
            nothing: Entry = {"word-bits": 8, "block-size": 1, "entries": 1}
            local.append(_component(added[part.name], "regfile", nothing, instances, mesh_x))
        instances, mesh_x = instances * part.x * part.y, mesh_x * part.x
    unit = {
        "name": accelerator.compute.name,
        "class": "intmac",
        "attributes": {"instances": instances, "meshX": mesh_x},
    }
    return {"version": 0.3, "subtree": [{"name": accelerator.name, "local": [*local, unit]}]}


def energies(accelerator: Accelerator, problem: Problem, bits: Mapping[str, int]) -> Entry:
    """pJ per access of a block and per operation, at the widths of the layer."""
    tables = [
        _actions(
            accelerator,
            x.name,
            {"read": x.energy.read_pj, "write": x.energy.write_pj, "update": x.energy.update_pj, "leak": x.leakage_pj},
        )
        for x in accelerator.levels
    ]
    tables += [_actions(accelerator, name, {"read": 0.0, "write": 0.0}) for name in passing(accelerator)]
    unit = accelerator.compute
    compute = {"compute": unit.operation_pj(problem, bits), "leak": unit.leakage_pj}
    return {"version": 0.3, "tables": [*tables, _actions(accelerator, unit.name, compute)]}


def areas(accelerator: Accelerator) -> Entry | None:
    """um2 of one instance of what states an area; None if nothing does."""
    named = [
        *((x.name, x.area_mm2) for x in accelerator.levels),
        (accelerator.compute.name, accelerator.compute.area_mm2),
    ]
    tables = [
        {"name": f"{accelerator.name}.{name}", "area": area / SQUARE_MICROMETRES}
        for name, area in named
        if area is not None
    ]
    return {"version": 0.3, "tables": tables} if tables else None


def _component(name: str, kind: str, attributes: Entry, instances: int, mesh_x: int) -> Entry:
    """Timeloop's own energies of wires and addresses are turned off."""
    free = {"addr-gen-energy": 0, "energy-per-hop": 0, "router-energy": 0}
    placed = {**attributes, "instances": instances, "meshX": mesh_x, **free}
    return {"name": name, "class": kind, "attributes": placed}


def _attributes(level: StorageLevel, outermost: bool) -> Entry:
    found: Entry = {"word-bits": level.word_bits, "block-size": level.block_words}
    if not outermost:
        found["width"] = level.word_bits * level.block_words
        found["entries"] = level.size_words
    if level.double_buffered is None:
        found["multiple-buffering"] = 2
    for name, rate in (("read_bandwidth", level.read_bandwidth), ("write_bandwidth", level.write_bandwidth)):
        if rate is not None:
            found[name] = rate
    return found


def _actions(accelerator: Accelerator, name: str, pj: Mapping[str, float]) -> Entry:
    actions = [{"name": action, "energy": energy} for action, energy in pj.items() if energy or action != "leak"]
    return {"name": f"{accelerator.name}.{name}", "actions": actions}


def _refused(accelerator: Accelerator, span: Span | None) -> Iterator[Diagnostic]:
    for level in accelerator.levels:
        at = level.span or span
        if level.partitions:
            yield _cannot(f"`size ... for` some tensors of `{level.name}`", at)
        if level.ports:
            yield _cannot(f"`bandwidth ... for` some tensors of `{level.name}`", at)
        if level.double_buffered:
            yield _cannot(f"`double_buffered` for some tensors of `{level.name}`", at)
        if level is not accelerator.levels[0] and level.size_words is None and not level.partitions:
            yield _cannot(f"`{level.name}` without a size", at)


def _cannot(what: str, span: Span | None) -> Diagnostic:
    return Diagnostic("Q0984", f"Timeloop's files cannot say {what}", span)
