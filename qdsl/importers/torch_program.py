"""Models of PyTorch: `torch.export` records them, and PyTorch's own exporter writes them as ONNX, in memory."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.diagnostics.extras import not_installed
from qdsl.importers.errors import not_readable

if TYPE_CHECKING:
    import onnx
    import torch


def program_of_file(path: Path) -> onnx.ModelProto:
    """What `torch.export.save` wrote. Raises SpecError if it cannot be read (Q0970) or a library is missing (Q0960)."""
    with _quiet(str(path)):
        import torch

        if not path.is_file():
            raise FileNotFoundError("there is no such file")
        return _onnx(torch.export.load(path))


def program_of_function(name: str) -> onnx.ModelProto:
    """The model that a function of the user returns, `module:function`, together with the arguments of a call of it.

    Runs the user's code. Raises SpecError if that fails (Q0970) or a library is missing (Q0960).
    """
    module, _, function = name.partition(":")
    with _quiet(name):
        import torch

        sys.path.insert(0, os.getcwd())
        try:
            made = getattr(importlib.import_module(module), function)()
        finally:
            sys.path.pop(0)
        if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], torch.nn.Module)):
            raise TypeError("it does not return a module and the arguments of a call, as in `model, (image,)`")
        return _onnx(torch.export.export(made[0].eval(), tuple(made[1])))


def _onnx(program: torch.export.ExportedProgram) -> onnx.ModelProto:
    import onnxscript  # noqa: F401  # the exporter needs it, and says so less plainly
    import torch

    made: Any = torch.onnx.export(program, dynamo=True, verbose=False)
    model: onnx.ModelProto = made.model_proto
    return model


@contextlib.contextmanager
def _quiet(source: str) -> Iterator[None]:
    """Keeps back what PyTorch prints, and turns what goes wrong into a finding."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _silent_loggers():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise not_installed(error, "accuracy", "importing models of PyTorch") from None
        if error.name in ("onnx", "onnxscript"):
            raise not_installed(error, "onnx", "importing models of PyTorch") from None
        raise not_readable(source, str(error)) from None
    except Exception as error:
        raise not_readable(source, f"{type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _silent_loggers() -> Iterator[None]:
    """The exporter tells of every package that it does not find."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
