"""A trainer's data as tensors; the training part in the order in which an epoch sees it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from qdsl.quant.data import Part
from qdsl.quant.training import Trainer


def batches(trainer: Trainer, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """(inputs, labels), shuffled by the seed of the trainer and the epoch."""
    inputs, labels = on_device(trainer, trainer.data.train)
    order = torch.Generator().manual_seed(trainer.accuracy.seed * 100_003 + epoch)
    for batch in torch.split(torch.randperm(len(labels), generator=order).to(trainer.device), trainer.accuracy.batch):
        yield inputs[batch], labels[batch]


def on_device(trainer: Trainer, part: Part) -> tuple[Tensor, Tensor]:
    """(inputs, labels)"""
    return torch.from_numpy(part.inputs).to(trainer.device), torch.from_numpy(part.labels).to(trainer.device)


def samples(trainer: Trainer) -> list[Tensor]:
    """Inputs to set ranges by."""
    inputs = torch.from_numpy(trainer.data.train.inputs[: trainer.accuracy.samples]).to(trainer.device)
    return list(torch.split(inputs, trainer.accuracy.batch))
