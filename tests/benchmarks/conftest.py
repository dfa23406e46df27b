"""Every benchmark's median time, and what it puts into `extra_info`, goes to `results.json` when all are done."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.benchmarks import results

PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture(scope="session")
def measured() -> Iterator[dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, Any]] = {}
    yield found
    if found:
        results.save(found)


@pytest.fixture(autouse=True)
def kept(request: pytest.FixtureRequest, measured: dict[str, dict[str, Any]]) -> Iterator[None]:
    benchmark = request.getfixturevalue("benchmark") if "benchmark" in request.fixturenames else None
    yield
    passed = request.node.stash.get(PASSED, False)
    if passed and benchmark is not None and benchmark.stats:  # not with --benchmark-disable
        measured[request.node.name] = {"median_s": benchmark.stats.stats.median, **benchmark.extra_info}
