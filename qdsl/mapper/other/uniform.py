"""The best of mappings drawn uniformly from the legal ones: the random search of Timeloop and of Klhufek et al. (DDECS
2024), without the draws that are no mapping."""

from __future__ import annotations

from itertools import islice

from qdsl.mapper.other.answer import Best, Question
from qdsl.mapper.result import MapResult
from qdsl.mapspace import layer_spaces, mappings_of
from qdsl.model.mapper import RandomMapper

MOST_BEYOND = 15_000
"""Draws in a row that are beyond a limit of the cost, after which the search gives up, as Timeloop does after so many invalid
ones."""

_FIRST_DRAWN, _MOST_DRAWN = 64, 1024


def draw_mappings(mapper: RandomMapper, question: Question) -> MapResult:
    """Raises SpecError for a constraint that takes too many cases."""
    spaces = layer_spaces(question.accelerator, question.problem, question.bits, question.constraints)
    best = Best(question, tuple(dict.fromkeys(limit for space in spaces for limit in space.limits)))
    legal = mappings_of(spaces, question.bits)
    draws = islice(legal.sample(mapper.seed), mapper.samples)
    at_once, beyond = _FIRST_DRAWN, 0
    while beyond < MOST_BEYOND and (drawn := list(islice(draws, at_once))):
        for mapping, score in zip(drawn, best.evaluated_scores(drawn).tolist(), strict=True):
            if score[0] == float("inf"):
                beyond += 1
                continue
            beyond = 0
            best.look_at(mapping, tuple(score))
            if 0 < mapper.victory <= best.since_better:
                return best.answer(exists=True)
        if question.time_is_up:
            break
        at_once = min(2 * at_once, _MOST_DRAWN)
    return best.answer(exists=legal.count > 0)
