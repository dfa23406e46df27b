"""Data from files that the tests write, and the digits that come along."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from qdsl.diagnostics import SpecError
from qdsl.model.accuracy import DATA, DataSource
from qdsl.quant.data import Data, load
from qdsl.quant.speech import NOISE, RATE, SILENCE, UNKNOWN, WORDS, log_mel, mel_filters
from tests.quant.networks import shipped


def finding(source: DataSource, shape: tuple[int, ...] = (3, 4, 4)) -> str:
    with pytest.raises(SpecError) as caught:
        load(source, shape)
    (found,) = caught.value.diagnostics
    assert found.code == "Q0930"
    return found.message


def sizes(data: Data) -> tuple[int, ...]:
    return tuple(len(part) for part in (data.train, data.validation, data.test))


def test_digits_are_in_three_parts_of_the_same_classes() -> None:
    data = load(DataSource("digits"), (1, 8, 8))
    assert DATA["digits"].fits(data.shape, data.classes)
    assert sum(sizes(data)) == 1797 and sizes(data)[1:] == (359, 359)
    for part in (data.train, data.validation, data.test):
        shares = np.bincount(part.labels, minlength=10) / len(part)
        assert shares.min() > 0.095 and shares.max() < 0.105
    assert abs(float(data.train.inputs.mean())) < 1e-5 and abs(float(data.train.inputs.std()) - 1) < 1e-5
    rows = {x.tobytes() for part in (data.train, data.validation, data.test) for x in part.inputs}
    assert len(rows) == 1797  # no example is in two parts


@pytest.mark.parametrize(
    ("name", "data"),
    [
        *(("resnet8_digits", "digits"), ("resnet8", "cifar10"), ("resnet20", "cifar10"), ("vgg19", "cifar10")),
        *(("ds_cnn", "speech_commands"), ("mobilenet_v1_025", "images"), ("resnet18", "images")),
    ],
)
def test_shipped_networks_have_the_shapes_of_their_data(name: str, data: str) -> None:
    network = shipped(name)
    shape = next(a.shape[1:] for a in network.activations if a.producer is None)
    (classes,) = next(a.shape[1:] for a in network.activations if a.name == network.outputs[0])
    assert DATA[data].fits(shape, classes)


def test_the_digest_is_of_the_examples() -> None:
    a, b = load(DataSource("digits"), (1, 8, 8)), load(DataSource("digits"), (1, 8, 8))
    assert a.digest == b.digest
    b.test.labels[0] = (b.test.labels[0] + 1) % 10
    changed = Data(b.train, b.validation, b.test, b.classes)
    assert changed.digest != a.digest


def cifar_file(path: Path, labels: list[int], label_bytes: int = 1) -> None:
    """Every pixel of an example has the value of its label."""
    rows = [bytes([0] * (label_bytes - 1) + [n]) + bytes([n]) * 3072 for n in labels]
    path.write_bytes(b"".join(rows))


def cifar10(folder: Path) -> DataSource:
    for n in range(1, 6):
        cifar_file(folder / f"data_batch_{n}.bin", list(range(10)))
    cifar_file(folder / "test_batch.bin", [3, 4])
    return DataSource("cifar10", str(folder))


def test_cifar10_keeps_its_own_test_set(tmp_path: Path) -> None:
    data = load(cifar10(tmp_path), (3, 32, 32))
    assert sizes(data) == (40, 10, 2) and data.test.labels.tolist() == [3, 4]
    assert data.shape == (3, 32, 32)
    order = np.argsort(data.train.inputs[:, 0, 0, 0], kind="stable")
    assert (np.diff(data.train.labels[order]) >= 0).all()  # pixels go with their labels


def test_cifar100_takes_the_fine_labels(tmp_path: Path) -> None:
    (tmp_path / "cifar-100-binary").mkdir()
    cifar_file(tmp_path / "cifar-100-binary/train.bin", [n for n in range(100) for _ in range(5)], 2)
    cifar_file(tmp_path / "cifar-100-binary/test.bin", [99], 2)
    data = load(DataSource("cifar100", str(tmp_path)), (3, 32, 32))
    assert sizes(data) == (400, 100, 1) and data.test.labels.tolist() == [99]


def test_wrong_files_of_cifar_are_told(tmp_path: Path) -> None:
    source = cifar10(tmp_path)
    cifar_file(tmp_path / "data_batch_2.bin", [10])
    assert "data_batch_2.bin` has the label 10" in finding(source)
    (tmp_path / "data_batch_2.bin").write_bytes(bytes(3074))
    assert "3,074 bytes, no whole number of records of 3,073 bytes" in finding(source)
    (tmp_path / "data_batch_2.bin").unlink()
    assert "data_batch_2.bin`: No such file" in finding(source)


def colours(folder: Path, count: int) -> None:
    for name, colour in (("blue", (0, 0, 255)), ("red", (255, 0, 0))):
        (folder / name).mkdir(parents=True)
        for n in range(count):
            Image.new("RGB", (8 + n, 6), colour).save(folder / name / f"{n}.png")


def test_images_of_any_size_are_made_to_fit(tmp_path: Path) -> None:
    colours(tmp_path, 5)
    data = load(DataSource("images", str(tmp_path)), (3, 4, 4))
    assert sizes(data) == (6, 2, 2) and data.classes == 2 and data.shape == (3, 4, 4)
    red = data.train.inputs[data.train.labels == 1]
    assert (red[:, 0] > 0).all() and (red[:, 2] < 0).all()


def test_images_with_a_test_set(tmp_path: Path) -> None:
    colours(tmp_path / "train", 5)
    colours(tmp_path / "val", 4)
    assert sizes(load(DataSource("images", str(tmp_path)), (3, 4, 4))) == (8, 2, 8)


def test_wrong_folders_of_images_are_told(tmp_path: Path) -> None:
    assert "no folder" in finding(DataSource("images", str(tmp_path / "nowhere")))
    assert "has no folder" in finding(DataSource("images", str(tmp_path)))
    colours(tmp_path, 3)
    (tmp_path / "red/1.png").write_bytes(b"no picture")
    assert "1.png` is no image" in finding(DataSource("images", str(tmp_path)))
    (tmp_path / "red/1.png").unlink()
    assert "red` has 2 images" in finding(DataSource("images", str(tmp_path)))


def tone(path: Path, hertz: float, seconds: float = 1.0, rate: int = RATE) -> None:
    path.parent.mkdir(exist_ok=True)
    time = np.arange(int(seconds * rate)) / rate
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((8000 * np.sin(2 * np.pi * hertz * time)).astype("<i2").tobytes())


def speech(root: Path) -> DataSource:
    for n, word in enumerate((*WORDS, "zero")):
        for take in range(3):
            tone(root / word / f"{take}.wav", 200 + 100 * n, 0.8)
    tone(root / NOISE / "hum.wav", 50, 1.5)
    (root / "validation_list.txt").write_text("".join(f"{w}/0.wav\n" for w in (*WORDS, "zero")))
    (root / "testing_list.txt").write_text("".join(f"{w}/1.wav\n" for w in (*WORDS, "zero")))
    return DataSource("speech_commands", str(root))


def test_speech_commands_have_twelve_classes(tmp_path: Path) -> None:
    data = load(speech(tmp_path), (1, 49, 10))
    assert sizes(data) == (12, 12, 12) and data.shape == (1, 49, 10)
    for part in (data.train, data.validation, data.test):
        assert sorted(part.labels) == [*range(10), SILENCE, UNKNOWN]


def test_wrong_files_of_speech_commands_are_told(tmp_path: Path) -> None:
    source = speech(tmp_path)
    tone(tmp_path / "yes/2.wav", 200, rate=8000)
    assert "2.wav` has 1 channels of 16 bits at 8000 Hz" in finding(source, (1, 49, 10))
    (tmp_path / "yes/2.wav").write_bytes(b"RIFF")
    assert "2.wav` is no WAV file" in finding(source, (1, 49, 10))
    (tmp_path / "testing_list.txt").unlink()
    assert "testing_list.txt`" in finding(source, (1, 49, 10))
    assert "no folder" in finding(DataSource("speech_commands", str(tmp_path / "nowhere")), (1, 49, 10))


def test_a_tone_is_loudest_in_its_band() -> None:
    time = np.arange(RATE, dtype=np.float32) / RATE

    def loudest(hertz: float) -> int:
        samples: npt.NDArray[np.float32] = np.sin(2 * np.pi * np.float32(hertz) * time)[None]
        return int(log_mel(samples, 10)[0, 0].mean(axis=0).argmax())

    bands = mel_filters(10)
    assert bands.shape == (10, 321) and (bands.max(axis=1) > 0.5).all()
    assert [loudest(f) for f in (150, 800, 2500)] == [int(bands[:, round(f / 25)].argmax()) for f in (150, 800, 2500)]
