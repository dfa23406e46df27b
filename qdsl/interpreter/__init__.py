"""An interpreter of mappings: it executes the loop nest of a small problem step by step and counts.

The oracle for `qdsl.symbolic`, whose counts are formulas: nothing is shared with them but the data classes of the
model. Its rules are the sentences of qdsl/symbolic/README.md. Time grows with operations x levels.
"""

from qdsl.interpreter.interpret import Counted, Interpretation, interpret

__all__ = ["Counted", "Interpretation", "interpret"]
