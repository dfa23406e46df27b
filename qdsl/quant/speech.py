"""Speech Commands (Warden, arXiv 1804.03209): ten words, silence and everything else, as log-mel spectrograms."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qdsl.diagnostics.extras import not_installed
from qdsl.model.accuracy import DataSource
from qdsl.quant.data import SPLIT_SEED, Data, Inputs, Part, normalised, refuse

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SILENCE, UNKNOWN = len(WORDS), len(WORDS) + 1
NOISE = "_background_noise_"
RATE = 16_000  # samples per second; an example is one second
WINDOW, HOP = 640, 320  # samples: 40 ms every 20 ms, 49 frames
LOWEST, HIGHEST = 20.0, 4000.0  # Hz
_LISTS = ("validation_list.txt", "testing_list.txt")

Samples = npt.NDArray[np.float32]


def speech_commands(source: DataSource, shape: tuple[int, ...]) -> Data:
    """`PATH/WORD/*.wav`, with the lists of the data set that say which files are in which part. shape: (1, 49, bands).

    Silence is cut out of the recordings of noise; words other than the ten are one class, of as many examples as a word
    has on average, as is silence. Raises SpecError (Q0930, Q0960).
    """
    root = Path(source.path)
    if not root.is_dir():
        refuse(source, f"there is no folder `{root}`")
    listed = [_listed(source, root / name) for name in _LISTS]
    words = sorted(x.name for x in root.iterdir() if x.is_dir() and x.name != NOISE)
    if missing := [w for w in WORDS if w not in words]:
        refuse(source, f"`{root}` has no folder `{missing[0]}`")
    parts: list[list[tuple[Path, int]]] = [[], [], []]  # to train on, to choose by, to report on
    for word in words:
        for path in sorted((root / word).glob("*.wav")):
            name = f"{word}/{path.name}"
            label = WORDS.index(word) if word in WORDS else UNKNOWN
            parts[1 if name in listed[0] else 2 if name in listed[1] else 0].append((path, label))
    noise = [_samples(source, x) for x in sorted((root / NOISE).glob("*.wav"))]
    if not noise or min(map(len, noise)) < RATE:
        refuse(source, f"`{root / NOISE}` needs recordings of a second or more")
    draw = np.random.default_rng(SPLIT_SEED)
    train, validation, test = (_part(source, files, noise, shape[2], draw) for files in parts)
    return normalised(Data(train, validation, test, len(WORDS) + 2))


def _listed(source: DataSource, path: Path) -> frozenset[str]:
    try:
        return frozenset(path.read_text(encoding="utf-8").split())
    except (OSError, ValueError) as error:
        refuse(source, f"`{path}`: {error}", "it comes with the data set and says which files belong together")


def _part(
    source: DataSource,
    files: Sequence[tuple[Path, int]],
    noise: Sequence[Samples],
    bands: int,
    draw: np.random.Generator,
) -> Part:
    ours = [(path, label) for path, label in files if label != UNKNOWN]
    others = [(path, label) for path, label in files if label == UNKNOWN]
    if not ours:
        refuse(source, "one of its three parts is empty", "the lists beside the folders name the files of two parts")
    n = max(1, len(ours) // len(WORDS))
    others = [others[i] for i in sorted(draw.permutation(len(others))[:n])]
    chosen = [*ours, *others]
    seconds = [_samples(source, path) for path, _ in chosen] + [_silence(noise, draw) for _ in range(n)]
    labels = np.array([label for _, label in chosen] + [SILENCE] * n, np.int64)
    order = draw.permutation(len(labels))
    fitted = np.stack([np.pad(x[:RATE], (0, max(0, RATE - len(x)))) for x in seconds])
    return Part(log_mel(fitted, bands)[order], labels[order])


def _silence(noise: Sequence[Samples], draw: np.random.Generator) -> Samples:
    recording = noise[int(draw.integers(len(noise)))]
    start = draw.integers(len(recording) - RATE + 1)
    quieter: Samples = recording[start : start + RATE] * np.float32(draw.uniform(0, 1))
    return quieter


def _samples(source: DataSource, path: Path) -> Samples:
    """float32[samples] in -1..1."""
    try:
        with wave.open(str(path), "rb") as file:
            found = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            raw = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        refuse(source, f"`{path}` is no WAV file that can be read", str(error))
    if found != (1, 2, RATE):
        refuse(
            source, f"`{path}` has {found[0]} channels of {8 * found[1]} bits at {found[2]} Hz, not 1 of 16 at {RATE}"
        )
    return np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(2**15)


def log_mel(samples: Samples, bands: int) -> Inputs:
    """float32[examples, 1, frames, bands]. samples: float32[examples, RATE]."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise not_installed(error, "accuracy", "`accuracy on speech_commands`") from None
    spectrum = torch.stft(
        torch.from_numpy(samples), WINDOW, HOP, window=torch.hann_window(WINDOW), center=False, return_complex=True
    )
    power = spectrum.abs().square()  # [examples, bins, frames]
    mel = torch.from_numpy(mel_filters(bands)) @ power
    found: Inputs = torch.log(mel + 1e-6).transpose(1, 2)[:, None].numpy()
    return found


def mel_filters(bands: int) -> npt.NDArray[np.float32]:
    """float32[bands, bins]: triangles whose corners are equally far apart on the mel scale, 2595 log10(1 + f / 700)."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (LOWEST, HIGHEST))
    corners = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    bins = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    left, middle, right = (corners[i : i + bands, None] for i in range(3))
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
