"""Folders of images, one per class."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from qdsl.diagnostics.extras import not_installed
from qdsl.model.accuracy import DataSource
from qdsl.quant.data import Data, Inputs, Labels, divided, refuse

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
MOST_BYTES = 8 * 2**30
"""Examples are kept in memory as 4 bytes per value."""


def images(source: DataSource, shape: tuple[int, ...]) -> Data:
    """`PATH/CLASS/IMAGE`, or `PATH/train/CLASS/IMAGE` with `PATH/val` beside it to report on.

    Images are scaled such that they just cover `shape` (3, height, width), and their middle is taken. Raises SpecError (Q0930,
    Q0960).
    """
    root = Path(source.path)
    own_test = (root / "train").is_dir() and (root / "val").is_dir()
    base = root / "train" if own_test else root
    names = _classes(source, base)
    files = _files(source, base, names)
    test_files = _files(source, root / "val", names) if own_test else []
    needed = 4 * prod(shape) * (len(files) + len(test_files))
    if needed > MOST_BYTES:
        note = f"{len(files) + len(test_files):,} images take {needed / 2**30:.1f} GiB, at most {MOST_BYTES >> 30} GiB are used"
        refuse(source, "there are too many images", note, helps=("give a folder with some of them",))
    test = _read(source, test_files, shape) if own_test else None
    return divided(*_read(source, files, shape), len(names), test)


def _classes(source: DataSource, folder: Path) -> list[str]:
    if not folder.is_dir():
        refuse(source, f"there is no folder `{folder}`")
    names = sorted(x.name for x in folder.iterdir() if x.is_dir())
    if len(names) < 2:
        text = f"`{folder}` has {'no folder' if not names else 'one folder'}"
        refuse(source, text, "the folders in it are the classes, of which there must be two")
    return names


def _files(source: DataSource, folder: Path, names: list[str]) -> list[tuple[Path, int]]:
    """(file, class) of all images. Raises SpecError for a class with too few to have one in every part."""
    found = []
    for label, name in enumerate(names):
        of_class = sorted(x for x in (folder / name).glob("*") if x.suffix.lower() in SUFFIXES)
        if len(of_class) < 3:
            note = f"images end in {', '.join(SUFFIXES)}; a class needs three, one for each part"
            refuse(source, f"`{folder / name}` has {len(of_class)} images", note)
        found += [(x, label) for x in of_class]
    return found


def _read(source: DataSource, files: list[tuple[Path, int]], shape: tuple[int, ...]) -> tuple[Inputs, Labels]:
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ModuleNotFoundError as error:
        raise not_installed(error, "accuracy", "`accuracy on images`") from None
    inputs = np.empty((len(files), *shape), np.float32)
    for i, (path, _) in enumerate(files):
        try:
            with Image.open(path) as image:
                fitted = ImageOps.fit(image.convert("RGB"), (shape[2], shape[1]), Image.Resampling.BILINEAR)
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            refuse(source, f"`{path}` is no image that can be read", str(error))
        inputs[i] = np.asarray(fitted, np.float32).transpose(2, 0, 1) / 255
    return inputs, np.array([label for _, label in files], np.int64)
