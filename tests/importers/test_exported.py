"""Models that PyTorch exports become networks whose layers have the sizes that hooks see."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

import qdsl
from qdsl.importers import import_network
from tests.support.torch_models import MODELS, example, products


def exported(name: str, path: Path, dynamo: bool) -> str:
    model, arguments = example(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters warn of themselves
        if dynamo:
            torch.onnx.export(model, arguments, path, dynamo=True, external_data=False, verbose=False)
        else:
            torch.onnx.export(model, arguments, path, dynamo=False)
    return str(path)


SLOW = [pytest.param(n, True, id=f"{n}-dynamo", marks=pytest.mark.slow) for n in MODELS if n != "transformer"]
EXPORTS = [
    *(pytest.param(n, False, id=n) for n in MODELS),
    pytest.param("transformer", True, id="transformer-dynamo"),
    *SLOW,
]


@pytest.mark.parametrize(("name", "dynamo"), EXPORTS)
def test_layers_have_the_products_that_hooks_count(name: str, dynamo: bool, tmp_path: Path) -> None:
    made = import_network(exported(name, tmp_path / f"{name}.onnx", dynamo))
    network = qdsl.loads(made.text).network(name)
    counted = {x.name: x.problem.operations for x in network.layers if x.has_weights}
    assert counted == {n.replace(".", "_"): count for n, count in products(*example(name)).items()}
    assert not made.findings
