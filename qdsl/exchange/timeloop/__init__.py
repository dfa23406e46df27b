"""Timeloop's YAML files, of versions 0.2 to 0.4, read and written."""

from qdsl.exchange.timeloop.exporting import export_timeloop
from qdsl.exchange.timeloop.importing import Imported, import_timeloop

__all__ = ["Imported", "export_timeloop", "import_timeloop"]
