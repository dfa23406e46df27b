"""Layers that share their spatial factors, as far as `qdsl map` is asked about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from qdsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from qdsl.mapper import MapResult
    from qdsl.model.constraint import Same
    from qdsl.model.mapper import MapperChoice
    from qdsl.model.network import Layer
    from qdsl.model.study import Study
    from qdsl.study.saved import Asked

# What an answer of `qdsl map` depends on, besides objective and time.
Key = tuple[Any, ...]


def key_of(asked: Asked, bits: Mapping[str, int]) -> Key:
    return asked.accelerator, asked.problem, asked.constraints, tuple(bits.items())


def group_answers(
    study: Study, given: Mapping[str, int], wanted: Collection[str], time_limit_s: float | None
) -> dict[Key, MapResult]:
    """The answers for all layers of every group that a wanted layer is in. given: widths of tensors; the others have the
    widest that the study allows."""
    from qdsl.cli.selection import known_widths, widest_bits, with_widths
    from qdsl.mapper import Part, best_together
    from qdsl.study.saved import asked_by_study

    layers = study.network.layers
    widest, known = widest_bits(study), known_widths(layers, given)
    found: dict[Key, MapResult] = {}
    for group in _groups(study):
        if not any(x.name in wanted for x in group):
            continue
        asked = [(asked_by_study(study, x), with_widths(x, widest[x.name], known[x.name])) for x in group]
        times = Counter(key_of(a, bits) for a, bits in asked)
        parts = {key_of(a, bits): Part(a.problem, bits, a.constraints, times[key_of(a, bits)]) for a, bits in asked}
        found.update(zip(parts, best_together(study.accelerator, list(parts.values()), time_limit_s), strict=True))
    return found


def refuse_others(study: Study, objective: str, other: str, mapper: MapperChoice) -> None:
    """Raises SpecError if layers share spatial factors and something else is asked for than the least energy, with a proof.
    other: than one mapping in perfect factors."""
    if mapper.name != "exact" and (ties := _ties(study)):
        text = "layers with the same spatial factors can only be mapped by the exact mapper"
        raise SpecError([Diagnostic("Q0710", text, tie.span, helps=("use `--mapper exact`",)) for tie in ties])
    if (other or objective != "energy") and (ties := _ties(study)):
        what = {"": f"for the least {objective}", "front": "to a front"}.get(other, f"in {other} factors")
        text = f"layers with the same spatial factors cannot be mapped {what}"
        option = {"": "objective energy", "front": "front"}.get(other, "imperfect")
        helps = (f"{'leave out' if other else 'use'} `--{option}`",)
        raise SpecError([Diagnostic("Q0710", text, tie.span, helps=helps) for tie in ties])


def no_common_factors(study: Study, layer: Layer) -> Diagnostic:
    """The finding that no choice of spatial factors serves the group of a layer."""
    group = next(g for g in _groups(study) if layer in g)
    names = ", ".join(f"`{x.name}`" for x in group)
    ties = [t for t in _ties(study) if t.scope.includes(layer.problem)]
    text = f"no choice of spatial factors leaves each of {names} a legal mapping"
    return Diagnostic("Q0701", text, ties[0].span, notes=("map them without this line to see what each could have",))


def _ties(study: Study) -> list[Same]:
    from qdsl.model.constraint import Same

    return [c for c in study.constraints if isinstance(c, Same)]


def _groups(study: Study) -> Iterator[tuple[Layer, ...]]:
    """Layers tied together, also by several constraints, in network order."""
    ties = _ties(study)
    left = [x for x in study.network.layers if any(t.scope.includes(x.problem) for t in ties)]
    while left:
        problems = {left[0].problem}
        while (
            more := {
                x.problem
                for t in ties
                if any(t.scope.includes(p) for p in problems)
                for x in left
                if t.scope.includes(x.problem)
            }
            - problems
        ):
            problems |= more
        yield tuple(x for x in left if x.problem in problems)
        left = [x for x in left if x.problem not in problems]
