"""Answers of `qdsl map` as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from qdsl.cli.solving import Question
from qdsl.cli.tables import energy, widths

if TYPE_CHECKING:
    from qdsl.mapper import MapResult
    from qdsl.model.mapper import MapperChoice


def answer_json(q: Question, answer: MapResult, legal: int | None) -> dict[str, Any]:
    """legal: mappings in perfect factors, None if they were not counted."""
    from qdsl.cli.evaluation import evaluation_json, mapping_json
    from qdsl.model.mapping_text import format_mapping

    data: dict[str, Any] = {
        "layer": q.label,
        "bits": dict(q.bits),
        "status": answer.status,
        "objective": str(answer.objective),
        "value": answer.value,
        "lower_bound": answer.lower_bound,
        "energy_pj": answer.energy_pj,
        "lower_bound_pj": answer.lower_bound_pj,
        "cycles": answer.evaluation.cycles if answer.evaluation else None,
        "legal_mappings": legal,
        "perfect_value": answer.perfect,
        "seconds": round(answer.seconds, 3),
        "mapping": mapping_json(answer.mapping) if answer.mapping else None,
        "mapping_text": format_mapping(answer.mapping, q.asked.accelerator) if answer.mapping else None,
        "evaluation": evaluation_json(answer.evaluation) if answer.evaluation else None,
    }
    if q.written is not None:
        data["written_energy_pj"], _ = _written(q)
    return data


def answer_text(q: Question, answer: MapResult, mapper: MapperChoice, legal: int | None) -> str:
    """legal: mappings in perfect factors, None if they were not counted."""
    from qdsl.model.mapping_text import format_mapping

    by = "" if mapper.name == "exact" else f" by {mapper}"
    return "\n".join(
        [
            f"{q.label} onto {q.asked.accelerator.name}, bits {widths(q.bits)}: {_verdict(answer, legal)}{by}",
            *(_indented(format_mapping(answer.mapping, q.asked.accelerator)) if answer.mapping else ()),
            *_comparison(q, answer),
        ]
    )


def _verdict(answer: MapResult, legal: int | None) -> str:
    if answer.energy_pj is None:
        return f"{answer.status} ({answer.seconds:.2f} s)"
    gap = ""
    if answer.status == "feasible" and answer.lower_bound is not None:
        bound = answer.lower_bound
        gap = f", not below {energy(bound) if answer.lower_bound_pj is not None else f'{bound:,.6g} {answer.objective.unit}'}"
    cycles = f", {answer.evaluation.cycles:,} cycles" if answer.evaluation else ""
    gain = ""
    if answer.perfect is not None and answer.value is not None:
        saved = 1 - answer.value / answer.perfect
        less = f"{saved:.1%} less {answer.objective.quantities[0]} than in" if saved > 0 else "no gain over"
        gain = f", {less} perfect factors"
    among = f" of {legal:,} legal mappings" if legal is not None and answer.status == "optimal" else ""
    return f"{energy(answer.energy_pj)}{cycles}, {answer.status}{among}{gap}{gain} ({answer.seconds:.2f} s)"


def _comparison(q: Question, answer: MapResult) -> Iterator[str]:
    if q.written is None:
        return
    written, problem = _written(q)
    if written is None:
        yield f"  the written mapping is not legal at these widths: {problem}"
    elif answer.energy_pj:
        yield f"  the written mapping needs {energy(written)}, {written / answer.energy_pj - 1:+.1%}"


def _written(q: Question) -> tuple[float | None, str]:
    """Energy of the user's mapping in pJ, or why it has none."""
    from qdsl.symbolic import evaluate, legality

    assert q.written is not None
    problems = legality(q.asked.accelerator, q.asked.problem, q.bits, q.written, None)
    if problems:
        return None, problems[0].message
    return evaluate(q.asked.accelerator, q.asked.problem, q.bits, q.written).energy_pj, ""


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def totals_text(answers: Sequence[MapResult]) -> str:
    """What several layers, one after the other, cost together."""
    found = [x.evaluation for x in answers if x.evaluation]
    proven = sum(x.status == "optimal" for x in answers)
    missing = f", {len(answers) - len(found)} without a mapping" if len(found) < len(answers) else ""
    cost = f"{energy(sum(e.energy_pj for e in found))}, {sum(e.cycles for e in found):,} cycles"
    return f"{len(answers)} layers: {cost}, {proven} of {len(answers)} optimal{missing}"
