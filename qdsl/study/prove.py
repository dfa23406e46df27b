"""The claim of a saved answer that nothing is better: whether it fits the numbers, and proving it again."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite

from qdsl.mapper import MapResult, Objective, best_mapping
from qdsl.mapper.objective import value_of
from qdsl.mapspace import legal_mappings
from qdsl.mapspace.wording import counted
from qdsl.model.mapper import ExactMapper
from qdsl.study.saved import Asked, SavedAnswer
from qdsl.study.statement import Effort, Statement, close, refused
from qdsl.symbolic import evaluate

MOST_ENUMERATED = 5_000
"""Legal mappings up to which a proof evaluates every one of them: a few seconds."""


def optimum(saved: SavedAnswer, asked: Asked, value: float, effort: Effort) -> Statement:
    """value: of the objective, by the evaluation of the saved mapping."""
    if not isinstance(saved.mapper, ExactMapper):
        return _distance(saved, asked, value, effort)
    label = saved.origin.label
    if wrong := list(_wrong_claims(saved, value, bool(asked.ties))):
        return refused("optimum", "Q0910", f"the saved claim about `{label}` contradicts itself", wrong)
    if asked.ties:
        return Statement(
            "optimum", "the energies of the layers tied together are said to add up to the least: not proved again"
        )
    claim = "no mapping is better" if saved.status == "optimal" else f"no mapping is below {saved.lower_bound:g}"
    if not effort.prove:
        searched = f"{saved.searched:,} of {counted(saved.plans, 'choice')} of spatial factors were searched"
        others = ", the others excluded by bounds" if saved.status == "optimal" and saved.searched < saved.plans else ""
        return Statement("optimum", f"{claim}, not proved again (`--prove` does): {searched}{others}")
    best = _searched(saved, asked, effort)
    if best.value is not None and best.value < value and not close(best.value, value):
        return refused("optimum", "Q0912", f"`{label}` has a mapping of {best.value:g}, the saved one has {value:g}")
    bound = best.lower_bound
    if bound is None or (bound < _claimed(saved) and not close(bound, _claimed(saved))):
        return Statement("optimum", f"{claim}: not proved again in {best.seconds:.1f} s")
    proof = f"{claim}: proved again, {best.searched:,} of {counted(best.plans, 'choice')} of spatial factors searched"
    return _enumerated(saved, asked, value, f"{proof} in {best.seconds:.2f} s")


def _distance(saved: SavedAnswer, asked: Asked, value: float, effort: Effort) -> Statement:
    """Of an answer without a proof: how far from the optimum it is."""
    label = saved.origin.label
    if saved.status != "feasible" or saved.lower_bound is not None or saved.plans or saved.searched:
        return refused("optimum", "Q0910", f"the saved claim about `{label}` is more than {saved.mapper} can prove")
    claim = f"{saved.mapper} claims no optimum"
    if not effort.prove:
        return Statement("optimum", f"{claim}; `--prove` tells how far it is")
    best = _searched(saved, asked, effort)
    if best.value is None or best.status != "optimal":
        return Statement("optimum", f"{claim}; it was not found in {best.seconds:.1f} s")
    if close(best.value, value):
        return Statement("optimum", f"{claim}, but this is one, proved in {best.seconds:.2f} s")
    if best.value > value:
        return refused(
            "optimum", "Q0912", f"`{label}` is said to have no mapping below {best.value:g}; this one has {value:g}"
        )
    return Statement(
        "optimum",
        f"{claim}: the least is {best.value:g}, this is {value / best.value - 1:.2%} more, proved in {best.seconds:.2f} s",
    )


def no_mapping(saved: SavedAnswer, asked: Asked, effort: Effort, undecided: str) -> Statement:
    """Of the claim that there is no mapping. undecided: why nothing else decides it."""
    if not effort.prove:
        return Statement("optimum", f"no mapping exists, not proved again (`--prove` does): {undecided}")
    best = _searched(saved, asked, effort)
    if best.mapping is not None:
        return refused(
            "optimum", "Q0912", f"`{saved.origin.label}` has a legal mapping, the saved answer says that it has none"
        )
    if best.status == "unknown":
        return Statement("optimum", f"no mapping exists: not proved again in {best.seconds:.1f} s")
    return Statement("optimum", f"no mapping exists: proved again by search in {best.seconds:.2f} s")


def _searched(saved: SavedAnswer, asked: Asked, effort: Effort) -> MapResult:
    objective = Objective.parse(saved.objective)
    question = (asked.accelerator, asked.problem, dict(saved.bits), asked.own)
    return best_mapping(*question, effort.time_limit_s, objective, padded=bool(saved.imperfect))


def _wrong_claims(saved: SavedAnswer, value: float, tied: bool) -> Iterator[str]:
    """tied: the bound is of the layer alone, the status of the layers that it is tied to as well."""
    bound = saved.lower_bound
    if saved.status not in ("optimal", "feasible"):
        yield f"`{saved.status}` is no status of an answer with a mapping"
    if bound is None or not isfinite(bound):
        yield f"the bound is {bound}"
    elif bound > value and not close(bound, value):
        yield f"the bound {bound:g} is above the value {value:g}"
    elif saved.status == "optimal" and not tied and not close(bound, value):
        yield f"`optimal`, but the bound {bound:g} is below the value {value:g}"
    if not 0 <= saved.searched <= saved.plans:
        yield f"{saved.searched} of {saved.plans} choices of spatial factors were searched"


def _claimed(saved: SavedAnswer) -> float:
    assert saved.lower_bound is not None  # see _wrong_claims
    return saved.lower_bound


def _enumerated(saved: SavedAnswer, asked: Asked, value: float, proof: str) -> Statement:
    """Besides a proof by search the evaluation of all legal mappings, where they are few."""
    if saved.imperfect or saved.legal_mappings is None or saved.legal_mappings > MOST_ENUMERATED:
        return Statement("optimum", proof)
    bits, objective = dict(saved.bits), Objective.parse(saved.objective)
    every = legal_mappings(asked.accelerator, asked.problem, bits, asked.own)
    if every.count != saved.legal_mappings:
        text = f"`{saved.origin.label}` has {counted(every.count, 'legal mapping')}, {saved.legal_mappings} are saved"
        return refused("optimum", "Q0910", text)
    found = (evaluate(asked.accelerator, asked.problem, bits, m) for m in every)
    most_cycles = inf if objective.most_cycles is None else objective.most_cycles
    least = min(value_of(objective, e) for e in found if e.cycles <= most_cycles)
    if least < value and not close(least, value):
        return refused(
            "optimum", "Q0912", f"`{saved.origin.label}` has a mapping of {least:g}, the saved one has {value:g}"
        )
    return Statement("optimum", f"{proof}; all {counted(every.count, 'legal mapping')} evaluated one by one")
