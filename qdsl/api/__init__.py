"""qdsl from Python and notebooks: `import qdsl`."""

from qdsl.api.results import Results
from qdsl.api.spec import Spec, Study, WrittenMapping, load, loads
from qdsl.api.table import Table
from qdsl.api.text import to_text
from qdsl.diagnostics import SpecError

__all__ = ["Results", "Spec", "SpecError", "Study", "Table", "WrittenMapping", "load", "loads", "to_text"]
