"""The syntax tree: what a file says, before any name is resolved. Every node carries its span.

Equality ignores spans, so that parse(format(x)) can be compared with parse(x).
"""

from qdsl.syntax.node import Node as Node
from qdsl.syntax.tree.constraints import *
from qdsl.syntax.tree.expressions import *
from qdsl.syntax.tree.files import *
from qdsl.syntax.tree.hardware import *
from qdsl.syntax.tree.mappings import *
from qdsl.syntax.tree.networks import *
from qdsl.syntax.tree.operators import *
from qdsl.syntax.tree.statements import *
from qdsl.syntax.tree.studies import *
