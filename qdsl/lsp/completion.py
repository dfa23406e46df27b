"""What can be typed at a place: keywords that the grammar takes, and the names that mean something there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from qdsl.lsp.candidates import Candidates, Item
from qdsl.lsp.context import Context
from qdsl.lsp.project import Analysis
from qdsl.model.imports import SUFFIX

_MACHINE = "memory|array|compute|engine|accelerator|technology"
_CONSTRAINTS = "constraints|constrain|every|for"
_LIST = r"( .*,)?$"  # the beginning of a list, or after a comma

# Keywords of the block that the cursor is in, what stands before it in its statement (see Context), and the methods of
# Candidates that say what may come. The first rule that matches counts.
_RULES = [
    (keywords.split("|"), re.compile(pattern), names.split())
    for keywords, pattern, names in (
        ("", r"\bonto$|^constraints \w+ for$", "accelerators"),
        ("", r"^mapping \w+ for$", "networks"),
        ("", r"^mapping \w+ for (?P<network>\w+)(?P<layer>( \. \w+)*) \.$", "layers"),
        ("|study", r"\bonto (?P<machine>\w+) \(( ,)*$", "parameters_of_machine"),
        (_MACHINE, rf"^(keep|may keep|double_buffered|multicast|reduce|forward){_LIST}", "tensors"),
        (_MACHINE, rf"^(size|bandwidth) .*\bfor{_LIST}", "tensors"),
        (_MACHINE, rf"^bits{_LIST}", "tensors output"),
        (_MACHINE, r"^energy from$", "technologies"),
        (_MACHINE, r"^energy from (?P<technology>\w+) \.$", "entries"),
        (_MACHINE, r"\bbits \($", "tensors roles"),
        ("compute", r"^use$|^use if .*\b(then|else)$", "engines"),
        ("compute", rf"^(cycles|energy) for{_LIST}", "operators"),
        ("compute", r"^(cycles|energy) for .*=", "parameters dims width_functions"),
        (_MACHINE, r"^(energy|throughput|bits|let \w+ =) ", "parameters width_functions"),
        (_MACHINE, r"^(size|word|width|clock|x|y|area|leakage|power|bandwidth|param \w+ =)\b", "parameters"),
        ("operator", rf"^weights{_LIST}", "tensors_of_operator"),
        ("operator", r" \[( ,)*", "indices parameters_of_operator"),
        ("network|block", r"[\w)] \.$", "axes_of_activations"),
        ("network|block", r"\)$", "activation_functions"),
        ("network|block", r"\b(?P<function>\w+) \(( ,)*$", "arguments values"),
        ("network|block", r"=|,|\(|^(output|yield|repeat)\b", "values"),
        ("mapping", r"^(?P<place>\w+) \.$", "axes"),
        ("mapping", r"^$", "memories arrays"),
        ("mapping", r"^bypass$", "memories"),
        ("mapping", rf"^bits{_LIST}|^bypass \w+ :{_LIST}", "tensors"),
        ("mapping", rf": (for|parallel){_LIST}", "dims"),
        (_CONSTRAINTS, r"\blayer (.* , )?(?P<layer>\w+( \. \w+)*) \.$", "layers"),
        (_CONSTRAINTS, r"\b(?P<place>\w+) \.$", "axes"),
        (_CONSTRAINTS, r"(^|\bthen )spatial$|\b(spatial|utilization) \($", "arrays"),
        (_CONSTRAINTS, r"(^|\bthen )(temporal|order|keep|bypass)$", "memories"),
        (_CONSTRAINTS, r"\b(temporal|tile|occupancy|bandwidth) \($", "memories"),
        (_CONSTRAINTS, rf"\b(keep|bypass) \w+ :{_LIST}|\bbits \($|\boccupancy \( ,$", "tensors"),
        (_CONSTRAINTS, rf" only{_LIST}|\border \w+ :{_LIST}|\b(temporal|tile|spatial) \( ,$", "dims"),
        (_CONSTRAINTS, rf"\b(every|for) layer{_LIST}", "layers"),
        (_CONSTRAINTS, rf"^every{_LIST}|\bsame spatial for{_LIST}", "operators"),
        (_CONSTRAINTS, rf"^for \w+ in{_LIST}", "tensors dims memories arrays"),
        (_CONSTRAINTS, r"", "mapping_functions dims"),
        ("study", r"^map$", "networks operators"),
        ("study", r"^map \w+ as$", "operators"),
        ("study", r"^map \w+ as (?P<function>\w+) \(( ,)*$", "arguments"),
        ("study", r"^map \w+ as \w+ \(.*=$", "dims"),
        ("study", r"^map \w+ onto$", "accelerators"),
        ("study", r"^constrain with$", "constraint_sets"),
        ("study", rf"^minimize{_LIST}", "objectives"),
        ("study", rf"^report{_LIST}", "reports"),
        ("study", r"^mapper$", "mappers"),
        ("study", r"^mapper (?P<mapper>\w+) \(( ,)*$", "mapper_settings"),
        ("study", r"^search$", "searches"),
        ("study", r"^search \w+ \(( ,)*$", "search_settings"),
        ("study", r"\boperators =$", "search_operators"),
        ("study", r"^limit$", "limited"),
        ("study", r"^accuracy$", "methods"),
        ("study", r"^accuracy (?P<method>\w+) \(( ,)*$", "method_settings"),
        ("study", r"^accuracy \w+ \(.*\b(?P<setting>\w+) =$", "method_words"),
        ("study", r"^accuracy .*\bon$", "data"),
        ("precision", r"^(layer|split)$", "layers"),
        ("precision", r"^(layer|split) (?P<layer>\w+( \. \w+)*) \.$", "layers"),
        ("precision", r" per$", "granularity"),
        ("precision", r"\bbits \($", "roles"),
        ("precision", r"^partial sums =", "width_functions"),
    )
]


def complete(analysis: Analysis, context: Context) -> list[Item]:
    """Each label once."""
    if context.importing is not None:
        return list(_imports(analysis.path.parent, context.importing))
    return list({item.label: item for item in _items(analysis, context)}.values())


def _items(analysis: Analysis, context: Context) -> Iterator[Item]:
    # the grammar takes the functions `spatial` and `temporal` wherever it takes a value
    unwanted = () if context.block in _CONSTRAINTS.split("|") else ("spatial", "temporal")
    yield from (Item(k, "keyword", rank=2) for k in context.keywords if k not in unwanted)
    if context.takes_unit:
        yield from Candidates(analysis, context).units()
    for blocks, pattern, names in _RULES:
        match = pattern.search(context.statement) if context.block in blocks else None
        if match:
            for name in names:
                yield from getattr(Candidates(analysis, context, match.groupdict()), name)()
            return


def _imports(directory: Path, typed: str) -> Iterator[Item]:
    """What may follow in the path of an import: specs and directories."""
    try:
        found = sorted(os.scandir(directory / typed[: typed.rfind("/") + 1]), key=lambda entry: entry.name)
    except OSError:
        found = []
    for entry in found:
        if entry.is_dir() and not entry.name.startswith("."):
            yield Item(f"{entry.name}/", "directory")
        elif entry.name.endswith(SUFFIX):
            yield Item(entry.name, "file")
    if not typed.strip("./"):
        yield Item("../", "directory", rank=2)
