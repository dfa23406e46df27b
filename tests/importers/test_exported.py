"""Models that PyTorch exports become networks whose layers have the sizes that hooks see."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

import qdsl
from qdsl.cli import main
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


DYNAMO = [pytest.param(n, True, id=f"{n}-dynamo", marks=pytest.mark.slow) for n in MODELS]  # seconds each


@pytest.mark.parametrize(("name", "dynamo"), [*((n, False) for n in MODELS), *DYNAMO])
def test_layers_have_the_products_that_hooks_count(name: str, dynamo: bool, tmp_path: Path) -> None:
    made = import_network(exported(name, tmp_path / f"{name}.onnx", dynamo))
    network = qdsl.loads(made.text).network(name)
    counted = {x.name: x.problem.operations for x in network.layers if x.has_weights}
    assert counted == {n.replace(".", "_"): count for n, count in products(*example(name)).items()}
    assert not made.findings


STUDY = """
import "resnet.qdsl"

accelerator tiny {
  word 16 bit
  memory dram { energy read 200 pJ, write 200 pJ; source "example" }
  memory buffer { size 2048 word; energy read 6 pJ, write 6 pJ; source "example" }
  compute mac { energy 1 pJ; source "example" }
}

study s {
  map resnet onto tiny
  precision {
    weights in {8} per layer
    activations in {8} per layer
    output 8 bit
  }
  minimize energy, weight_memory
  search nsga2(population = 4, generations = 1)
}
"""


def test_an_exported_network_is_checked_and_mapped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = exported("resnet", tmp_path / "resnet.onnx", dynamo=False)
    assert main(["import", model, "--out", str(tmp_path / "resnet.qdsl")]) == 0
    assert capsys.readouterr().err.endswith("resnet.qdsl\n")
    (tmp_path / "study.qdsl").write_text(STUDY)
    assert main(["check", "--deny", "warnings", str(tmp_path / "study.qdsl")]) == 0
    assert main(["map", str(tmp_path / "study.qdsl"), "--layer", "layer2_0_shortcut_0"]) == 0
    assert "optimal" in capsys.readouterr().out


def test_models_of_torch_export_and_of_functions_become_the_same_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.export.save(torch.export.export(*example("transformer")), tmp_path / "saved.pt2")
    saved = import_network(str(tmp_path / "saved.pt2"))
    layers = qdsl.loads(saved.text).network("saved").layers
    assert {x.name: x.problem.operations for x in layers if x.has_weights} == products(*example("transformer"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made_here.py").write_text(
        "from tests.support.torch_models import example\n\n\ndef net():\n    return example('transformer')\n\n\n"
        "def nothing():\n    return 3\n"
    )
    called = import_network("made_here:net")
    assert called.text.split("network net")[1] == saved.text.split("network saved")[1]
    assert [x.name for x in called.network.layers][:3] == ["query", "key", "value"]
    for wrong in ("made_here:nothing", "made_here:gone", "not_here:net"):
        assert main(["import", wrong]) == 1
        assert f"error[Q0970]: `{wrong}` cannot be imported" in capsys.readouterr().err
    (tmp_path / "broken.pt2").write_bytes(b"PK")
    with pytest.raises(qdsl.SpecError, match="Q0970"):
        import_network(str(tmp_path / "broken.pt2"))
