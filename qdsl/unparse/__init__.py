"""From objects to specs: trees and checked models as text that is read as the same again."""

from qdsl.unparse.text import to_text

__all__ = ["to_text"]
