"""Libraries that only some of qdsl needs."""

from __future__ import annotations

from importlib.util import find_spec

from qdsl.diagnostics.diagnostic import Diagnostic, SpecError


def not_installed(error: ModuleNotFoundError, extra: str, what: str) -> SpecError:
    """The finding that an extra of the package is missing, for what needs it. Raises the error if it is a module of qdsl."""
    if error.name is None or error.name.split(".")[0] == "qdsl":
        raise error
    return _missing(error.name.split(".")[0], extra, what)


def require(library: str, extra: str, what: str) -> None:
    """Raises SpecError (Q0960) if a library is missing, before anything is done that would be in vain."""
    if find_spec(library) is None:
        raise _missing(library, extra, what)


def _missing(library: str, extra: str, what: str) -> SpecError:
    helps = (f"pip install 'qdsl[{extra}]'",)
    return SpecError([Diagnostic("Q0960", f"{what} needs the library `{library}`", None, helps=helps)])
