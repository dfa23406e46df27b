"""From Timeloop's files to a spec."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qdsl.diagnostics import Diagnostic, Sink, SourceFile, Span, SpecError
from qdsl.exchange.timeloop.architecture import read_architecture
from qdsl.exchange.timeloop.components import left_out
from qdsl.exchange.timeloop.constraints import KEYS, Rules, read_constraints
from qdsl.exchange.timeloop.mapping import Nest, read_mapping
from qdsl.exchange.timeloop.parts import Machine
from qdsl.exchange.timeloop.problem import Problem, read_problem
from qdsl.exchange.timeloop.tables import with_tables
from qdsl.exchange.timeloop.text import Parts, qdsl_text
from qdsl.exchange.yaml import Node, no_meaning, read_file, read_yaml, wrong
from qdsl.model.loader import Library
from qdsl.syntax import format_source

_ARCHITECTURE = ("architecture", "arch")
_ONCE = (*_ARCHITECTURE, "problem", "mapping", "ERT", "ART")
# For Timeloop's mapper, its output and its energy estimator.
_ELSEWHERE = ("mapper", "compound_components", "components", "globals", "variables", "ERT_summary", "ART_summary")


@dataclass(frozen=True)
class Imported:
    """text: a formatted spec. warnings: what of the files is not in it."""

    text: str
    warnings: tuple[Diagnostic, ...]


def import_timeloop(paths: Sequence[Path]) -> Imported:
    """The spec that says what the files say together: one architecture, a problem, energies, and a mapping or constraints or
    both, in any number of files. Raises SpecError with all that is wrong."""
    sink = Sink()
    sources = []
    for path in paths:
        try:
            sources.append(read_file(path))
        except SpecError as error:
            sink.take(error.diagnostics)
    sink.raise_if_errors()
    return import_sources(sources)


def import_sources(sources: Sequence[SourceFile]) -> Imported:
    """`import_timeloop` of texts that are there."""
    sink = Sink()
    origin = ", ".join(Path(source.path).name for source in sources)
    try:
        return Imported(_checked(qdsl_text(_read(sources, sink), origin)), tuple(sink))
    except SpecError as error:
        sink.take(error.diagnostics)
        raise SpecError(sink) from None


def _read(sources: Sequence[SourceFile], sink: Sink) -> Parts:
    tops, constraints = _sections(sources, sink)
    sink.raise_if_errors()
    machine = read_architecture(_needed(tops, sources, *_ARCHITECTURE), sink)
    problem = read_problem(_needed(tops, sources, "problem"), sink)
    rules = read_constraints(constraints, machine, problem, sink)
    nest = read_mapping(tops["mapping"], machine, problem, sink) if "mapping" in tops else None
    sink.raise_if_errors()
    parts = _fitted(machine, problem, rules, nest, sink)
    sink.raise_if_errors()
    return replace(parts, machine=with_tables(machine, tops.get("ERT"), tops.get("ART"), parts.dropped))


def _sections(sources: Iterable[SourceFile], sink: Sink) -> tuple[dict[str, Node], list[Node]]:
    """The top-level parts of all files: those of which there is one, and all constraints."""
    tops: dict[str, Node] = {}
    constraints: list[Node] = []
    for source in sources:
        try:
            for key, at, value in read_yaml(source).entries():
                if key in KEYS:
                    constraints.append(value)
                elif key in tops:
                    wrong(at, f"a second `{key}`")
                elif key in _ONCE:
                    tops[key] = value
                elif key == "sparse_optimizations":
                    no_meaning(at, f"`{key}`", "every value is stored and computed with")
                else:
                    why = "it is for Timeloop's mapper and estimators" if key in _ELSEWHERE else "it is not known"
                    left_out(sink, at, f"`{key}`", why)
        except SpecError as error:
            sink.take(error.diagnostics)
    return tops, constraints


def _needed(tops: dict[str, Node], sources: Sequence[SourceFile], *names: str) -> Node:
    found = next((tops[n] for n in names if n in tops), None)
    if found is None:
        message = f"there is no `{names[0]}:` in {', '.join(f'`{s.path}`' for s in sources)}"
        raise SpecError([Diagnostic("Q0983", message, None)])
    return found


def _fitted(machine: Machine, problem: Problem, rules: Rules, nest: Nest | None, sink: Sink) -> Parts:
    """The parts together; findings where they contradict each other."""
    tensors = [t.name for t in problem.tensors]
    dropped = set()
    outermost = machine.memories[0]
    for memory in machine.memories:
        if memory is outermost:
            if memory.size_words is not None:
                left_out(sink, memory.span, f"the size of `{memory.name}`", "the backing store holds everything here")
            continue
        nothing = all((memory.name, t) in rules.bypass for t in tensors)
        if nest is not None and not nothing:
            nothing = all((memory.name, t) in nest.bypass for t in tensors)
            rules.bypass.update({(memory.name, t): nest.bypass[memory.name, t] for t in tensors if nothing})
        still = not nest.loops_at(memory.name) if nest else rules.fixes_no_loops(memory.name, problem.dims)
        if nothing and still:
            dropped.add(memory.name)
        elif memory.size_words is None:
            sink.add(Diagnostic("Q0983", f"the size of `{memory.name}` is not known", memory.span))
    if nest is not None:
        sink.take(_contradictions(rules, nest))
        for (memory_name, tensor), span in nest.bypass.items():
            if memory_name == outermost.name:
                sink.add(Diagnostic("Q0981", f"bypassing `{tensor}` at the backing store has no meaning here", span))
    return Parts(machine, problem, rules, nest, frozenset(dropped))


def _contradictions(rules: Rules, nest: Nest) -> Iterable[Diagnostic]:
    pairs: tuple[tuple[dict[tuple[str, str], Span], dict[tuple[str, str], Span], str], ...] = (
        (nest.keep, rules.bypass, "keeps"),
        (nest.bypass, rules.keep, "bypasses"),
    )
    for said, other, verb in pairs:
        for key, span in said.items():
            if key in other:
                yield Diagnostic(
                    "Q0983", f"the mapping {verb} `{key[1]}` at `{key[0]}`, which a constraint forbids", span
                )


def _checked(text: str) -> str:
    """Formatted. Raises SpecError where the spec is not right, for a reason that no file of Timeloop's shows."""
    found = Sink()
    text = format_source(text, "<imported>")
    path = Path("<imported>.qdsl").resolve()
    library = Library()
    library.texts.unsaved = {path: text}
    library.load(path, found)
    found.raise_if_errors()
    return text
