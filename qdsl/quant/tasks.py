"""What a process is asked to do, one call at a time; data and weights stay with it for the next call."""

from __future__ import annotations

import hashlib
import time
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.model.measured import DataFacts, Measured, Question, WidthList
from qdsl.quant.additive import Options, Sensitivity
from qdsl.quant.checkpoint import load_weights, save_weights
from qdsl.quant.data import Data, load
from qdsl.quant.training import Trainer


def data_facts(question: Question) -> DataFacts:
    """Raises what `load` raises, and SpecError (Q0933) for a device that torch cannot use."""
    _check_device(question.device)
    data = _data(question)
    return DataFacts(data.digest, len(data.train), len(data.validation), len(data.test), torch.__version__)


def measure_float(question: Question, weights: Path) -> tuple[Measured, str]:
    """The error of the network without quantisation, whose weights are in the file afterwards, and their SHA-256. Raises
    SpecError (Q0932) for a file that the study names and that does not fit."""
    if not question.accuracy.weights and not weights.exists():
        save_weights(_trainer(question).float_weights(), weights)
    values = _weights(question, weights)
    content = hashlib.sha256()
    for name in sorted(values):
        content.update(values[name].numpy().tobytes())
    return _trainer(question).measure(values, None), content.hexdigest()


def measure(question: Question, weights: Path, widths: WidthList, bound: float) -> tuple[Measured, float]:
    """The error of a design, and the seconds it took. bound: see `Trainer.measure`."""
    start = time.process_time()
    bits = {layer: dict(tensors) for layer, tensors in widths}
    found = _trainer(question).measure(_weights(question, weights), bits, bound)
    return found, time.process_time() - start


def sensitivities(question: Question, weights: Path, options: Options) -> Sensitivity:
    """By layer, tensor and width."""
    return _trainer(question).sensitivity(_weights(question, weights), options)


def _check_device(name: str) -> None:
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).split("\n", 1)[0]
        helps = ("leave `--device` out to train on the processor",)
        text = f"torch cannot use the device `{name}`"
        raise SpecError([Diagnostic("Q0933", text, None, notes=(reason,), helps=helps)]) from None


@lru_cache(maxsize=1)
def _data(question: Question) -> Data:
    network = question.network
    (shape,) = (a.shape[1:] for a in network.activations if a.is_input)
    return load(question.accuracy.data, shape)


@lru_cache(maxsize=1)
def _trainer(question: Question) -> Trainer:
    return Trainer(question.network, question.accuracy, _data(question), question.device)


@lru_cache(maxsize=1)
def _weights(question: Question, path: Path) -> dict[str, Tensor]:
    return load_weights(path, question.network)
