"""Constraint sets chosen by parameters of the accelerator."""

from __future__ import annotations

import pytest

import qdsl
from qdsl.diagnostics import SpecError

SPEC = """
operator matmul {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}
network one {
  input x: 64
  output matmul(x, N = 32)
}
accelerator two {
  // allow Q0404: chooses the constraints
  param dataflow = 1 in {1, 2}
  param pad = 1 KiB in {1 KiB, 2 KiB}
  word 8 bit
  memory dram { energy read 10 pJ, write 10 pJ; source "example" }
  memory local { size pad; energy read 1 pJ, write 1 pJ; source "example" }
  compute mac { energy 1 pJ; source "example" }
}
accelerator other {
  word 8 bit
  memory dram { energy read 10 pJ, write 10 pJ; source "example" }
  compute mac { energy 1 pJ; source "example" }
}
constraints first for two { order dram: K outermost }
constraints second for two { order dram: N outermost }
constraints third for other { order dram: K outermost }
study s {
  map one onto two(dataflow, pad = 2 KiB)
  precision {
    weights in {4, 8} per layer
    activations in {8} per layer
    output 8 bit
  }
  constrain with if dataflow == 1 and pad >= 2 KiB then first else second
  minimize energy
  search exact
}
"""


def test_each_configuration_has_the_set_that_its_parameters_choose() -> None:
    study = qdsl.loads(SPEC).model.studies[0]
    found = {c.text: [x.text for x in c.constraints] for c in study.hardware}
    assert found == {"dataflow = 1": ["order dram: K outermost"], "dataflow = 2": ["order dram: N outermost"]}


def test_parameters_that_are_set_choose_too() -> None:
    text = SPEC.replace("two(dataflow, pad = 2 KiB)", "two(pad = 1 KiB)")
    assert [c.text for c in qdsl.loads(text).model.studies[0].constraints] == ["order dram: N outermost"]


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("then first else secnd", "Q0201"),
        ("then first else if dataflow == 2 then third else second", "Q0705"),
        ("then first else two.second", "Q0307"),
        ("then first else second\n  constrain with first", "Q0202"),
        ("then first", "Q0101"),
    ],
)
def test_sets_that_no_parameter_may_choose(then: str, code: str) -> None:
    with pytest.raises(SpecError) as raised:
        qdsl.loads(SPEC.replace("then first else second", then))
    assert code in {d.code for d in raised.value.diagnostics}


def test_a_condition_on_what_is_no_parameter() -> None:
    with pytest.raises(SpecError, match="dataflw"):
        qdsl.loads(SPEC.replace("if dataflow == 1 and", "if dataflw == 1 and"))
