"""Checking a saved answer again, by means that know nothing of the search that found it: the rules and the formulas one by
one, Z3, an interpreter that executes the mapping; and the search itself, if it is to be proved again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qdsl.mapper import Objective
from qdsl.mapper.objective import value_of
from qdsl.mapper.padded import without_idle
from qdsl.mapspace import admits, constraint_violations, feasible
from qdsl.mapspace.wording import counted, listed
from qdsl.model.check_mapping import BITS_LIMIT
from qdsl.model.mapping import Mapping
from qdsl.model.study import Model
from qdsl.study.differences import differences
from qdsl.study.prove import no_mapping, optimum
from qdsl.study.recount import counts, execution
from qdsl.study.saved import COUNTING_S, Asked, SavedAnswer, asked_by, count_legal, fingerprint
from qdsl.study.statement import Effort, Statement, refused
from qdsl.symbolic import evaluate, legality


def verify_answer(
    saved: SavedAnswer, model: Model, changed: Sequence[str], effort: Effort, file: Sequence[SavedAnswer] = ()
) -> Iterator[Statement]:
    """Statements about one answer, each as soon as it is known; after a failure what rests on it is left out.

    changed: files of the spec whose text is not the saved one. file: all answers that were saved together.
    """
    asked = asked_by(model, saved.origin)
    yield (statement := _question(saved, asked, model, changed))
    if asked is None or statement.findings:
        return
    if saved.legal_mappings is not None:
        yield (statement := _number(saved, saved.legal_mappings, asked))
        if statement.findings:
            return
    if saved.mapping is None or saved.evaluation is None:
        yield _no_mapping(saved, asked, effort)
        return
    yield (statement := _mapping(saved, asked, saved.mapping))
    if statement.findings:
        return
    if asked.ties:
        yield _group(saved, asked, saved.mapping, model, file)
    yield _solver(saved, asked, saved.mapping, effort)
    found = evaluate(asked.accelerator, asked.problem, dict(saved.bits), saved.mapping)
    yield counts(saved, found)
    yield execution(saved, asked, saved.mapping, found, effort)
    yield optimum(saved, asked, value_of(Objective.parse(saved.objective), found), effort)


# --- the question -------------------------------------------------------------------------------


def _question(saved: SavedAnswer, asked: Asked | None, model: Model, changed: Sequence[str]) -> Statement:
    label = saved.origin.label
    if asked is None:
        by = f"study `{saved.origin.study}`" if saved.origin.study else f"mapping `{saved.origin.mapping}`"
        return refused("spec", "Q0909", f"the spec has no layer `{label}` in {by} any more")
    if found := _changes(saved, asked):
        return refused("spec", "Q0909", f"the spec of `{label}` is not the one that was answered", found)
    problems = [*_wrong_widths(saved, asked)]
    try:
        Objective.parse(saved.objective)
    except ValueError:
        problems.append(f"`{saved.objective}` is no objective")
    if saved.imperfect not in ("", "padded"):
        problems.append(f"`{saved.imperfect}` is no kind of imperfect factors that is searched")
    asked_for = (saved.question, saved.bits, saved.objective, saved.imperfect, saved.mapper)
    if not problems and fingerprint(*asked_for) != saved.sha256:
        problems.append("its SHA-256 is not that of the question, widths, objective, factors and mapper beside it")
    names = [*_other_names(saved, asked)]
    if problems or (names and not changed):
        return refused("spec", "Q0910", f"the saved question about `{label}` was changed", problems or names)
    if changed:
        text = f"the text of {listed([f'`{f}`' for f in changed])} changed, but not what this answer depends on"
        return Statement("spec", "; ".join([text, *names]))
    return Statement("spec", f"unchanged: {counted(len(model.files), 'file')} with the text that was answered")


def _changes(saved: SavedAnswer, asked: Asked) -> tuple[str, ...]:
    """What the question says now and did not say then; constraints as they are written."""
    then, now = saved.question, asked.meaning
    if isinstance(then, dict) and then.get("cost_model") != now["cost_model"]:
        return (f"it was answered by other rules of counting than those of this qdsl, version {now['cost_model']}",)
    written = tuple(c.text for c in asked.constraints)
    if not isinstance(then, dict) or then.get("constraints") == now["constraints"]:
        return differences(then, now)
    lines = [f"the constraint `{text}` was there" for text in saved.constraints if text not in written]
    lines += [f"the constraint `{text}` is new" for text in written if text not in saved.constraints]
    others = differences({**then, "constraints": None}, {**now, "constraints": None})
    return (*others, *lines) or differences(then, now)


def _wrong_widths(saved: SavedAnswer, asked: Asked) -> Iterator[str]:
    tensors = [t.name for t in asked.problem.operator.tensors]
    if [t for t, _ in saved.bits] != tensors:
        yield f"its widths are not those of {listed(tensors)}"
    for tensor, width in saved.bits:
        if not 1 <= width <= BITS_LIMIT:
            yield f"`{tensor}` has a width of {width} bits"


def _other_names(saved: SavedAnswer, asked: Asked) -> Iterator[str]:
    """What is written in another way than in the spec and means the same."""
    if saved.accelerator != asked.accelerator.name:
        yield f"the accelerator was saved as `{saved.accelerator}` and is `{asked.accelerator.name}` in the spec"
    if saved.constraints != tuple(c.text for c in asked.constraints):
        yield "the lines of the constraints are saved in other words than those of the spec"


def _number(saved: SavedAnswer, number: int, asked: Asked) -> Statement:
    text = f"{number:,} legal mapping{'' if number == 1 else 's'}"
    found = count_legal(asked, dict(saved.bits))
    if found is None:
        return Statement("number", f"{text}: not counted again in {COUNTING_S:g} s")
    if found != number:
        message = f"`{saved.origin.label}` has {counted(found, 'legal mapping')}, {number} are saved"
        return refused("number", "Q0910", message)
    return Statement("number", f"{text}: counted again")


# --- answers without mapping --------------------------------------------------------------------


def _no_mapping(saved: SavedAnswer, asked: Asked, effort: Effort) -> Statement:
    label = saved.origin.label
    if saved.mapping or saved.evaluation or saved.status not in ("infeasible", "unknown"):
        return refused("mapping", "Q0910", f"the saved answer about `{label}` is `{saved.status}` and lacks a part")
    if saved.status == "unknown":
        return Statement("mapping", "none was found, and none was excluded, so nothing is claimed")
    if asked.ties:
        return Statement(
            "optimum", "no choice of spatial factors is said to serve all layers tied together: not proved again"
        )
    if saved.imperfect or Objective.parse(saved.objective).most_cycles is not None:
        return no_mapping(saved, asked, effort, "Z3 is not asked about padded sizes, nor about a number of cycles")
    found = feasible(asked.accelerator, asked.problem, dict(saved.bits), asked.own, effort.solver_s)
    if found.status == "infeasible":
        return Statement(
            "Z3", f"no mapping exists: {counted(len(found.core), 'rule')} conflict ({found.seconds:.2f} s)"
        )
    if found.status == "unknown":
        return no_mapping(saved, asked, effort, f"Z3 decided nothing in {found.seconds:.1f} s")
    return refused("Z3", "Q0912", f"`{label}` has a legal mapping, the saved answer says that there is none")


# --- the mapping --------------------------------------------------------------------------------


def _mapping(saved: SavedAnswer, asked: Asked, mapping: Mapping) -> Statement:
    if malformed := list(_malformed(saved, asked, mapping)):
        return refused("mapping", "Q0911", f"the saved mapping of `{saved.origin.label}` is none", malformed)
    accelerator, bits = asked.accelerator, dict(saved.bits)
    broken = [
        *legality(accelerator, asked.problem, bits, mapping, None),
        *constraint_violations(asked.own, accelerator, asked.problem, bits, mapping),
    ]
    if broken:
        return Statement("mapping", "not legal", tuple(broken))
    limited = sum(1 for level in accelerator.levels if level.all_partitions)
    memories = f"{limited} {'memory' if limited == 1 else 'memories'}"
    factors = "the factors make every size"
    if mapping.imperfect:
        factors += " or pad it, and no iteration is idle"
    parts = [factors, f"the tiles fit {memories}"]
    if accelerator.fanouts:
        parts.append(f"the parallel loops fit {counted(len(accelerator.fanouts), 'array')}")
    if number := len(asked.own):
        parts.append("the constraint holds" if number == 1 else f"all {number} constraints hold")
    return Statement("mapping", f"legal: {', '.join(parts)}")


def _malformed(saved: SavedAnswer, asked: Asked, mapping: Mapping) -> Iterator[str]:
    """What keeps the data from being a mapping, in factors as asked for, of this layer on this accelerator."""
    accelerator, problem = asked.accelerator, asked.problem
    if mapping.imperfect not in ("", saved.imperfect):
        yield f"`imperfect {mapping.imperfect}`: the answer is in {saved.imperfect or 'perfect'} factors"
    if tuple(place for place, _ in mapping.places) != accelerator.places:
        yield f"its places are not those of `{accelerator.name}`: {', '.join(accelerator.places)}"
    optional = {(level.name, t) for level in accelerator.levels for t in level.optional}
    if unknown := sorted(mapping.bypass - optional):
        yield f"`{unknown[0][0]}` cannot bypass `{unknown[0][1]}`"
    for place, loops in mapping.places:
        dims = [loop.dim for loop in loops]
        if len(set(dims)) < len(dims) or not set(dims).issubset(problem.operator.dims):
            yield f"the loops at `{place}` are over {', '.join(dims)}"
        if any(loop.factor < 2 for loop in loops):
            yield f"a loop at `{place}` has a factor below 2"
    for d in problem.operator.dims:
        covered, size = mapping.covered(d), problem.size(d)
        if covered != size and not (mapping.imperfect and covered > size):
            yield f"the factors of `{d}` do not multiply to {size}"
    if mapping.imperfect and without_idle(problem, mapping) != mapping:
        yield "some of its iterations lie wholly past the sizes"


def _group(saved: SavedAnswer, asked: Asked, mapping: Mapping, model: Model, file: Sequence[SavedAnswer]) -> Statement:
    """Whether the answers of the file to which this one is tied have its spatial factors."""
    others = []
    for answer in file:
        other = asked_by(model, answer.origin)
        if answer is not saved and answer.mapping and other and not set(asked.ties).isdisjoint(other.ties):
            others.append(answer.origin.label)
            if _spatial(asked, answer.mapping) != _spatial(asked, mapping):
                message = f"`{saved.origin.label}` and `{answer.origin.label}` do not have the same spatial factors"
                return refused("group", "Q0911", message)
    if not others:
        return Statement("group", "no other layer that it is tied to is in the file")
    return Statement("group", f"its spatial factors are those of {listed([f'`{name}`' for name in others])}")


def _spatial(asked: Asked, mapping: Mapping) -> set[tuple[str, str, int]]:
    places = [place for fanout in asked.accelerator.fanouts for place in fanout.places]
    return {(place, loop.dim, loop.factor) for place in places for loop in mapping.loops(place)}


def _solver(saved: SavedAnswer, asked: Asked, mapping: Mapping, effort: Effort) -> Statement:
    problem = asked.problem.padded(tuple(mapping.covered(d) for d in asked.problem.operator.dims))
    mapping = replace(mapping, imperfect="")  # perfect, for the padded layer
    found = admits(asked.accelerator, problem, dict(saved.bits), asked.own, mapping, effort.solver_s)
    if found.status == "infeasible":
        return refused("Z3", "Q0911", f"Z3 does not admit the saved mapping of `{saved.origin.label}`")
    if found.status == "unknown":
        return Statement("Z3", f"did not decide in {found.seconds:.1f} s whether the rules admit it")
    return Statement("Z3", f"admits these factors and orders under the same rules ({found.seconds:.2f} s)")
