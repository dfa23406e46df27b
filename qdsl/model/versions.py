"""The version of the language, and what files say they are written for: `// language 0.1`, on a line of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qdsl.diagnostics import Diagnostic, Sink
from qdsl.model.imports import LoadedFile

LANGUAGE = (0, 1)
"""Major and minor. A file of the same major version and an older or the same minor one means what it did."""

_STATED = re.compile(r"//\s*language\s+(\d{1,6})\.(\d{1,6})\s*\Z")


def check_versions(files: Sequence[LoadedFile], sink: Sink) -> None:
    """Reports (Q0019) files that are written for a version that this one does not understand."""
    for file in files:
        for comment in file.tree.comments if "language" in file.source.text else ():
            if stated := _STATED.match(comment.text):
                wanted = int(stated[1]), int(stated[2])
                if wanted[0] != LANGUAGE[0] or wanted > LANGUAGE:
                    text = f"the file is written for version {text_of(wanted)} of the language, and this is {text_of(LANGUAGE)}"
                    later = "install a newer qdsl" if wanted > LANGUAGE else "see what changed in the changelog of qdsl"
                    sink.add(Diagnostic("Q0019", text, comment.span, helps=(later,)))


def text_of(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
