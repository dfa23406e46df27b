"""The published numbers of legal mappings, exactly."""

from __future__ import annotations

import pytest

from qdsl.mapspace import Counts, count_batch
from tests.published.figures import LEGAL_MAPPINGS, MOBILENET_MAPPINGS
from tests.published.questions import study_of


@pytest.mark.parametrize(("spec", "study", "layer"), LEGAL_MAPPINGS, ids=str)
def test_layers_on_eyeriss_have_the_published_numbers_of_legal_mappings(spec: str, study: str, layer: str) -> None:
    s = study_of(spec, study)
    published = LEGAL_MAPPINGS[spec, study, layer]
    widths = [dict(zip("IWO", bits, strict=True)) for bits in published]
    found = count_batch(s.accelerator, s.network.layer(layer).problem, widths, s.constraints)
    # The dataflow fixes all loop orders.
    assert dict(zip(published, found, strict=True)) == {bits: Counts(n, n, n) for bits, n in published.items()}


def test_mobilenet_on_eyeriss_has_the_published_number_of_legal_mappings() -> None:
    s = study_of("mobilenet_v1_2023", "eyeriss_16")
    widths = [{"I": 8, "W": w, "O": 8} for w in MOBILENET_MAPPINGS]
    counts = [count_batch(s.accelerator, x.problem, widths, s.constraints) for x in s.network.layers]
    assert [sum(c.mappings for c in of_width) for of_width in zip(*counts, strict=True)] == [
        *MOBILENET_MAPPINGS.values()
    ]
