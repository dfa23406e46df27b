"""Imports and declarations of a study's file that nothing uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from qdsl.diagnostics import Diagnostic, Label
from qdsl.model.check_file import KINDS, Names
from qdsl.model.findings import warning
from qdsl.model.imports import LoadedFile
from qdsl.syntax.tree import Declaration, Import, MappingDecl, StudyDecl

_WORD = re.compile(r"[A-Za-z_]\w*")
_TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"')


def review_imports(files: Sequence[LoadedFile]) -> Iterator[Diagnostic]:
    """Files imported twice by one file."""
    for file in files:
        first: dict[Path, Import] = {}
        for node, target in file.imports:
            if target in first:
                labels = [Label(first[target].span, "first time")]
                yield warning("Q0017", "this file is imported already", node.span, labels=labels, helps=["remove it"])
            first.setdefault(target, node)


def review_use(file: LoadedFile, names: Mapping[Path, Names]) -> Iterator[Diagnostic]:
    """What a file with a study or a mapping imports or declares in vain; other files are there to be imported.

    A word of a name anywhere in the file counts as a use.
    """
    own = file.tree.declarations
    if not any(isinstance(d, StudyDecl | MappingDecl) for d in own):
        return
    words = Counter(_WORD.findall(_code(file)))
    targets = [target for _, target in file.imports]
    for node, target in file.imports:
        if not _offered(names[target]) & words.keys() and targets.count(target) == 1:
            text = f'nothing of "{node.path.value}" is used'
            yield warning("Q0017", text, node.span, helps=["remove the import"])
    for decl in own:
        if not isinstance(decl, StudyDecl | MappingDecl) and words[decl.name.name] == 1:
            yield _unused(decl)


def _unused(decl: Declaration) -> Diagnostic:
    kind, name = KINDS[type(decl)], decl.name.name
    helps = [f"apply it with `constrain with {name}`, or remove it"] if kind == "constraint set" else ["remove it"]
    return warning("Q0018", f"{kind} `{name}` is not used", decl.name.span, helps=helps)


def _offered(names: Names) -> set[str]:
    """Names that a file declares or imports, with the dimensions and tensors of its operators."""
    operators = [o for o in names.operators.values() if o]
    inner = {name for o in operators for name in (*o.dims, *o.tensors)}
    return {name for _, name in names.declared} | inner


def _code(file: LoadedFile) -> str:
    """The text without comments and quoted texts."""
    text, parts, done = file.source.text, [], 0
    for comment in file.tree.comments:
        parts.append(text[done : comment.span.start])
        done = comment.span.end
    return _TEXT.sub("", "".join([*parts, text[done:]]))
