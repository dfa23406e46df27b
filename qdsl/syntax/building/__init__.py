"""The nodes of `qdsl.syntax.tree`: one method per rule of the grammar, called bottom-up."""

from qdsl.syntax.building.base import MAX_EXPONENT as MAX_EXPONENT
from qdsl.syntax.building.base import Word as Word
from qdsl.syntax.building.constraints import Constraints
from qdsl.syntax.building.expressions import Expressions
from qdsl.syntax.building.hardware import Hardware
from qdsl.syntax.building.mappings import Mappings
from qdsl.syntax.building.networks import Networks
from qdsl.syntax.building.operators import Operators
from qdsl.syntax.building.studies import Studies


class Build(Operators, Hardware, Networks, Mappings, Constraints, Studies, Expressions):
    """The methods for all rules of the grammar."""
