"""Networks with quantised values: data, training, and the errors they make."""

from qdsl.diagnostics.extras import not_installed

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise not_installed(error, "accuracy", "measuring accuracy") from None

from qdsl.quant.additive import Sensitivity, options_of, sensitivity
from qdsl.quant.integers import integer_output
from qdsl.quant.network import QuantNetwork, Widths, build
from qdsl.quant.posttraining import correct_biases
from qdsl.quant.quantisers import PartialSums, Quantisers
from qdsl.quant.ranges import Quantiser

__all__ = [
    "PartialSums",
    "QuantNetwork",
    "Quantiser",
    "Quantisers",
    "Sensitivity",
    "Widths",
    "build",
    "correct_biases",
    "integer_output",
    "options_of",
    "sensitivity",
]
