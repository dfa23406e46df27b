"""The numbers of a saved answer: computed again by the formulas, and counted by executing the mapping."""

from __future__ import annotations

from collections.abc import Iterator

from qdsl.interpreter import Interpretation, interpret
from qdsl.mapper import Objective
from qdsl.mapper.objective import RELATIVE_TOLERANCE, value_of
from qdsl.model.mapping import Mapping
from qdsl.study.codec import to_json
from qdsl.study.differences import differences
from qdsl.study.saved import Asked, SavedAnswer
from qdsl.study.statement import Effort, Statement, close, refused
from qdsl.symbolic import Evaluation


def counts(saved: SavedAnswer, found: Evaluation) -> Statement:
    """found: the evaluation of the saved mapping."""
    wrong = list(differences(to_json(saved.evaluation), to_json(found), RELATIVE_TOLERANCE))
    value = value_of(Objective.parse(saved.objective), found)
    if saved.value is None or not close(saved.value, value):
        wrong.append(f"the saved {saved.objective} is {saved.value}, the mapping has {value}")
    if wrong:
        return refused("counts", "Q0910", f"the saved numbers of `{saved.origin.label}` are not its mapping's", wrong)
    number = 4 * sum(len(level.tensors) for level in found.levels)
    return Statement(
        "counts", f"computed again by the formulas: {number} counts, energies and cycles are the saved ones"
    )


def execution(saved: SavedAnswer, asked: Asked, mapping: Mapping, found: Evaluation, effort: Effort) -> Statement:
    """found: the evaluation of the mapping."""
    operations = asked.problem.operations
    if operations > effort.executed:
        return Statement(
            "execution",
            f"left out, {operations:,} operations are more than {effort.executed:,} (`--execute` allows more): the counts rest "
            "on the formulas",
        )
    executed = interpret(asked.accelerator, asked.problem, dict(saved.bits), mapping)
    if wrong := list(_disagreements(found, executed)):
        message = f"executing the mapping of `{saved.origin.label}` counts something else than the formulas"
        return refused("execution", "Q0913", message, wrong)
    text = f"{operations:,} operations executed one by one: the same counts, energies and cycles"
    if found.networks or found.leakage_pj:
        text += "; what networks and leakage add rests on the formulas"
    return Statement("execution", text)


def _disagreements(found: Evaluation, executed: Interpretation) -> Iterator[str]:
    for level in found.levels:
        for tensor, counts in level.tensors:
            again = executed.counts[level.name, tensor]
            for kind in ("words", "reads", "fills", "updates", "instances"):
                if getattr(counts, kind) != getattr(again, kind):
                    yield f"{kind} of `{tensor}` at `{level.name}`: {getattr(counts, kind)}, executed {getattr(again, kind)}"
            if not close(counts.energy_pj, again.energy_pj):
                yield f"energy of `{tensor}` at `{level.name}`: {counts.energy_pj:g} pJ, executed {again.energy_pj:g} pJ"
    # The formulas stretch cycles in double precision, which can make the next cycle of a whole quotient.
    if found.operations != executed.operations or found.cycles - executed.cycles not in (0, 1):
        yield f"{found.operations} operations in {found.cycles} cycles, executed {executed.operations} in {executed.cycles}"
