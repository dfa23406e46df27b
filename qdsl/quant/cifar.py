"""CIFAR-10 and CIFAR-100 in their binary version: plain records of bytes, nothing that could run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qdsl.model.accuracy import DATA, DataSource
from qdsl.quant.data import Data, Inputs, Labels, divided, refuse

_PIXELS = 3 * 32 * 32
# Per kind: files to train on, file to report on, bytes of labels in a record (the last of them counts), usual folder.
_FILES = {
    "cifar10": (tuple(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin", 1, "cifar-10-batches-bin"),
    "cifar100": (("train.bin",), "test.bin", 2, "cifar-100-binary"),
}


def cifar(source: DataSource) -> Data:
    """The files lie in the folder itself or in the one that the archive unpacks to. Raises SpecError (Q0930)."""
    train, test, label_bytes, usual = _FILES[source.kind]
    folder = Path(source.path)
    if (folder / usual).is_dir():
        folder = folder / usual
    classes = DATA[source.kind].classes or 0
    parts = [_records(source, folder / name, label_bytes, classes) for name in train]
    inputs, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return divided(inputs, labels, classes, _records(source, folder / test, label_bytes, classes))


def _records(source: DataSource, path: Path, label_bytes: int, classes: int) -> tuple[Inputs, Labels]:
    record = label_bytes + _PIXELS
    try:
        raw = np.fromfile(path, np.uint8)
    except OSError as error:
        helps = ("the binary version is on https://www.cs.toronto.edu/~kriz/cifar.html",)
        refuse(source, f"`{path}`: {error.strerror or error}", helps=helps)
    if not len(raw) or len(raw) % record:
        refuse(source, f"`{path}` has {len(raw):,} bytes, no whole number of records of {record:,} bytes")
    rows = raw.reshape(-1, record)
    labels = rows[:, label_bytes - 1].astype(np.int64)
    if labels.max() >= classes:
        refuse(source, f"`{path}` has the label {labels.max()}", f"{source.kind} has {classes} classes, from 0 on")
    return rows[:, label_bytes:].reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(255), labels
