"""Networks with quantised values: data, training, and the errors they make."""

from qdsl.diagnostics.extras import not_installed

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise not_installed(error, "accuracy", "measuring accuracy") from None

from qdsl.quant.network import QuantNetwork, Widths, build
from qdsl.quant.quantisers import PartialSums, Quantisers
from qdsl.quant.ranges import Quantiser

__all__ = ["PartialSums", "QuantNetwork", "Quantiser", "Quantisers", "Widths", "build"]
