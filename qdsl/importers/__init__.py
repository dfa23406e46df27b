"""Networks of other tools as specs: ONNX files, and models of PyTorch through `torch.export`."""

from qdsl.importers.load import Import, import_network

__all__ = ["Import", "import_network"]
