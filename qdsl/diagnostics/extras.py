"""Libraries that only some of qdsl needs."""

from __future__ import annotations

from qdsl.diagnostics.diagnostic import Diagnostic, SpecError


def not_installed(error: ModuleNotFoundError, extra: str, what: str) -> SpecError:
    """The finding that an extra of the package is missing, for what needs it. Raises the error if it is a module of qdsl."""
    if error.name is None or error.name.split(".")[0] == "qdsl":
        raise error
    helps = (f"pip install 'qdsl[{extra}]'",)
    return SpecError([Diagnostic("Q0960", f"{what} needs the library `{error.name.split('.')[0]}`", None, helps=helps)])
