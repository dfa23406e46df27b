"""The checked model, and the way to it from text: `load_model(path, sink)` or `load(path)`."""

from qdsl.model.loader import load, load_model

__all__ = ["load", "load_model"]
