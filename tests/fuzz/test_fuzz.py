"""No text, however wrong, ends in a traceback, takes a second, or needs much memory.

`python -m pytest -m fuzz` tries a hundred thousand; with the other tests two thousand are tried.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from qdsl.cli import main
from qdsl.diagnostics import Severity, Sink, SourceFile, render_json, render_text
from qdsl.diagnostics.codes import CODES
from qdsl.model.loader import Library
from qdsl.resources import data_dir
from qdsl.syntax import format_source, parse
from tests.support.fuzz import Inputs, Seed

SECONDS = 1.0  # of the processor, for one input
MEMORY = 400 * 2**20  # bytes that all inputs may add to the address space
SHARDS = 20
EACH = 5000


class TooSlowError(BaseException):
    """Not caught by anything that is tried."""


def too_slow(number: int, frame: FrameType | None) -> NoReturn:
    raise TooSlowError(f"more than {SECONDS} s")


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """At most so many seconds of the processor."""
    before = signal.signal(signal.SIGVTALRM, too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Seed]:
    """All shipped specs and all examples of the language reference, in a copy of the directory of specs."""
    specs = tmp_path_factory.mktemp("fuzz") / "specs"
    shutil.copytree(data_dir("specs"), specs)
    paths = sorted(specs.rglob("*.qdsl"))
    found = [
        Seed(
            p, text := p.read_text(encoding="utf-8"), 0.2 if p.parent.name in ("studies", "networks") else rarity(text)
        )
        for p in paths
    ]
    reference = (data_dir("grammar") / "README.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in reference.split("```qdsl\n")[1:]]
    return found + [Seed(specs / "reference.qdsl", text, rarity(text)) for text in examples]


def rarity(text: str) -> float:
    """Long texts take longer."""
    return min(1, 600 / len(text))


def try_all(inputs: Inputs, numbers: range, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDSL_DEBUG", "1")  # defects are raised
    library = Library()
    for n in numbers:
        directory, data = inputs(n)
        path = directory / f"input-{os.getpid()}.qdsl"
        path.write_bytes(data)
        try:
            if n % 10:
                with limited():
                    by_library(path, library)
            else:
                with limited():
                    by_command(path)
            if n % 5 == 0:
                formatted(data)
        except (Exception, TooSlowError) as error:
            pytest.fail(f"input {n} of {inputs.name!r}: {type(error).__name__}: {error}\n{data!r}")
        finally:
            path.unlink()


def by_library(path: Path, library: Library) -> None:
    sink = Sink()
    model = library.load(path, sink).model
    assert (model is None) == bool(sink.errors)
    for d in sink:
        assert d.code in CODES
        assert d.span is None or 0 <= d.span.start <= d.span.end <= len(d.span.source.text)
    assert bool(render_text(sink)) == bool(render_json(sink)) == bool(sink.diagnostics)


def by_command(path: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(["check", str(path)])
    assert code in (0, 1)
    assert (code == 0) == ("no errors" in out.getvalue()) == ("error[" not in err.getvalue())


def formatted(data: bytes) -> None:
    """What can be read can be formatted, and then says the same."""
    with contextlib.suppress(UnicodeDecodeError):
        text = data.decode()
        sink = Sink()
        tree = parse(SourceFile("x", text), sink)
        if not any(d.severity is Severity.ERROR for d in sink):
            again = format_source(text)
            assert parse(SourceFile("x", again), Sink()) == tree
            assert format_source(again) == again


def test_two_thousand_texts_are_accepted_or_explained(seeds: list[Seed], monkeypatch: pytest.MonkeyPatch) -> None:
    short = [seed for seed in seeds if len(seed.text) < 1500]
    try_all(Inputs("short", short), range(2000), monkeypatch)


@pytest.mark.fuzz
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_hundred_thousand_texts_are_accepted_or_explained(
    shard: int, seeds: list[Seed], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SHARDS * EACH == 100_000
    by_library(seeds[0].path, Library())
    with bounded_memory():
        try_all(Inputs("large", seeds), range(shard * EACH, (shard + 1) * EACH), monkeypatch)
