"""Weights of a float network in a file of torch, of which nothing but tensors is loaded."""

from __future__ import annotations

import os
import pickle
import tempfile
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.model.network import Network
from qdsl.quant.network import build
from qdsl.quant.training import Weights, weights_of


def save_weights(weights: Weights, path: Path) -> None:
    """At once: another process reads all of the file or none of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(dict(weights), file)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_weights(path: Path, network: Network) -> dict[str, Tensor]:
    """Raises SpecError (Q0932) for a file that does not hold the weights of the network."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        _refuse(path, error.strerror or str(error))
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError) as error:
        _refuse(path, "it is no file of tensors", str(error).split("\n", 1)[0])
    if not isinstance(found, dict):
        _refuse(path, f"it holds a {type(found).__name__}, not weights by name")
    wanted = weights_of(build(network))
    weights = {}
    for name, like in wanted.items():
        value = found.get(name)
        if not isinstance(value, Tensor):
            _refuse(path, f"it has no `{name}`", f"a network has {', '.join(list(wanted)[:4])}, ...")
        if value.shape != like.shape:
            _refuse(path, f"`{name}` has the shape {_shape(value)}, and the network needs {_shape(like)}")
        weights[name] = value.to(like.dtype)
    return weights


def _shape(x: Tensor) -> str:
    return " x ".join(map(str, x.shape)) or "of a number"


def _refuse(path: Path, problem: str, *notes: str) -> NoReturn:
    helps = ("a run leaves such a file, `float-*.pt`, beside its store",)
    raise SpecError(
        [Diagnostic("Q0932", f"`{path}` cannot serve as weights: {problem}", None, notes=notes, helps=helps)]
    )
