"""Files that other programs may read at any time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from qdsl.diagnostics import Diagnostic, SpecError


def write_at_once(path: Path, text: str) -> None:
    """Writes a file, with its directory, such that whoever reads it sees the old or the new one.

    Raises SpecError (Q0905) if it cannot.
    """
    if path.is_dir():
        raise SpecError([Diagnostic("Q0905", f"`{path}` cannot be written: it is a directory", None)])
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise SpecError([Diagnostic("Q0905", f"`{path}` cannot be written: {error.strerror}", None)]) from None
