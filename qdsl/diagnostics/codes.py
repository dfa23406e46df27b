"""Every code a diagnostic may carry: a title and what it means. `tests/diagnostics` checks that each code used is here.

Q00 files and limits, Q01 syntax, Q02 names, Q03 numbers and units, Q04 operators and networks, Q05 technologies and
accelerators, Q06 mappings, Q07 constraints, Q08 studies, Q09 runs and reports. Sorted; a code keeps its meaning.
"""

from __future__ import annotations

# fmt: off
CODES: dict[str, tuple[str, str]] = {
    # --- files, imports, limits ---
    "Q0005": ("nested too deeply",
              "Brackets and chains of operations may be 100 deep, so that reading a file takes little memory."),
    "Q0006": ("number too long", "A number has at most 64 digits and an exponent from -99 to 99."),
    "Q0007": ("too many mistakes",
              "Reading stops after the first hundred mistakes of a file; correct them and check again."),
    "Q0010": ("file not found", "A file given or imported does not exist. Imports are relative to the importing file."),
    "Q0011": ("import cycle",
              "Files import each other in a circle. Move what they share into a file that imports neither."),
    "Q0012": ("import not allowed",
              "An import is a relative path to a `.qdsl` file inside the directories that may be read."),
    "Q0013": ("too large", "A file is too large, or there are too many imports."),
    "Q0014": ("not text", "A spec is UTF-8 text without NUL bytes."),
    "Q0015": ("file not readable", "The operating system refuses to read the file."),
    "Q0016": ("declaration too deep",
              "Blocks that call each other many times within expressions need too much memory; split them up."),
    # --- syntax ---
    "Q0101": ("unexpected text",
              "The text does not follow the grammar; the message says what could stand there. See grammar/README.md."),
    "Q0102": ("unmatched bracket", "A bracket is never closed, or closes nothing."),
    "Q0103": ("unmatched quote", "A text in quotes ends on the line it begins on."),
    "Q0104": ("unknown escape", 'Inside quotes a backslash stands before `"`, `\\`, `n` or `t`.'),
    "Q0105": ("statement given twice", "The statement may be given once."),
    "Q0106": ("unexpected character", "The character is not part of the language."),
    # --- names ---
    "Q0201": ("unknown name", "The name is declared nowhere it could be seen from here."),
    "Q0202": ("name declared twice", "Two things of one kind have the same name, in this file or in an import."),
    "Q0203": ("no such part", "What stands before the dot has no part of that name."),
    "Q0204": ("wrong argument", "An argument is unknown here, given twice, or in the wrong place."),
    "Q0205": ("missing argument", "An argument without default is not given."),
    # --- numbers and units ---
    "Q0301": ("unknown unit", "The word after a number is not a unit."),
    "Q0302": ("wrong unit", "The quantity has the unit of something else, for example bits where an energy is wanted."),
    "Q0303": ("units do not agree", "Only quantities of the same kind can be added or compared."),
    "Q0304": ("division by zero", "The divisor is 0."),
    "Q0305": ("number out of range", "The value is too small, too large, or the set or range it comes from is empty."),
    "Q0306": ("not a whole number", "A count, size or width must come out as a whole number."),
    "Q0307": ("wrong kind of value",
              "A number, a condition or an activation is expected, and something else is given."),
    # --- operators, networks, shapes ---
    "Q0401": ("operator without one rule",
              "An operator has exactly one rule, with an output and at least one input activation."),
    "Q0402": ("index not supported",
              "An index is a sum of dimensions times positive numbers; an output axis is one dimension."),
    "Q0404": ("declared and not used",
              "A dimension or parameter has no use; it is probably misspelt where it was meant."),
    "Q0405": ("sum without `+=`", "The rule sums over a dimension; `+=` or `max=` says how values are combined."),
    "Q0410": ("sizes do not agree", "A dimension gets different sizes from different inputs or arguments."),
    "Q0411": ("size not known", "The size of a dimension follows from no input; give it as an argument."),
    "Q0412": ("window larger than its input", "The derived size would be less than 1."),
    "Q0413": ("wrong number of axes", "An activation has more or fewer axes than the operator reads."),
    "Q0414": ("wrong number of activations", "A call gives more or fewer activations than the operator reads."),
    "Q0415": ("network too large", "Blocks are nested too deeply, contain themselves, or make too many layers."),
    "Q0416": ("block without one `yield`", "A block ends with `yield`, which says what it stands for."),
    "Q0417": ("activation function misplaced", "An activation function follows a call of an operator."),
    "Q0418": ("`repeat` or `then` misplaced",
              "`repeat` chains a call; `then` chooses between its first and later iterations."),
    "Q0419": ("incomplete network", "A network has layers and, if they form a graph, an output."),
    "Q0420": ("not used", "Nothing reads this part of the network."),
    # --- technologies and accelerators ---
    "Q0501": ("order of levels", "An accelerator begins with its backing store and ends with one compute unit."),
    "Q0502": ("missing statement", "A memory, array or compute unit lacks a statement that it needs."),
    "Q0503": ("statement misplaced or repeated", "The statement has no meaning here, or is given twice."),
    "Q0504": ("value outside its set", "A parameter has a value that its `in {...}` does not contain."),
    "Q0505": ("tensor nowhere used", "`keep` names a tensor that no operator has."),
    "Q0506": ("not a whole number of words", "A size or width must be a multiple of the word."),
    # --- mappings ---
    "Q0601": ("axis missing", "An array has two axes; say `NAME.x` or `NAME.y`."),
    "Q0602": ("wrong kind of place", "Temporal loops stand at memories, parallel ones at the axes of arrays."),
    "Q0603": ("factors do not make the size", "The product of a dimension's factors over all places must be its size."),
    "Q0604": ("width of a tensor",
              "A mapping gives every tensor a width, and a value fits one word of each level that keeps it."),
    "Q0605": ("order of places", "Each place is written once, outermost first."),
    "Q0606": ("array too small", "The parallel factors along an axis are more than its instances."),
    "Q0607": ("memory too small", "The tiles kept at a level need more words than it has."),
    # --- constraints ---
    "Q0702": ("formula not understood", "A formula compares numbers, or joins conditions with `and`, `or`, `not`."),
    "Q0703": ("condition not supported", "The condition of an `if` uses bit-widths and sizes only."),
    "Q0705": ("constraints of another accelerator", "A constraint set holds for the accelerator that it names."),
    "Q0706": ("constraint without effect", "The constraint can hold for no layer."),
    "Q0710": ("constraint not supported by the exact search",
              "The search refuses what it cannot keep rather than ignore it."),
    "Q0711": ("constraint broken", "The mapping does not satisfy a constraint."),
    # --- studies ---
    "Q0803": ("unknown search", "The search or its operators are not among those supported."),
    "Q0804": ("widths not usable",
              "A study says which widths may be chosen, and each must fit the words of the memories."),
    "Q0805": ("width fixed twice or for nothing",
              "A layer's width is fixed once, and only where the layer has one of its own."),
    "Q0806": ("granularity not supported", "Widths are chosen per layer."),
    # --- runs, stores, reports ---
    "Q0901": ("not a result store", "The file is no store of results, or one of another version."),
    "Q0902": ("result store not usable", "The database cannot be opened or written."),
    "Q0903": ("worker died", "The process that solved a layer ended without an answer, twice."),
    "Q0904": ("no legal design", "No design looked at has a legal mapping for every layer."),
    "Q0905": ("file not writable", "The operating system refuses to write the file."),
    "Q0906": ("run not readable", "The directory holds no complete run."),
    "Q0907": ("choice needed", "The file has none or several of what the command works on; name one of them."),
    "Q0950": ("template missing", "A template of the report is not where it should be."),
    "Q0951": ("template broken", "A template of the report cannot be rendered."),
    "Q0952": ("report not writable", "The operating system refuses to write the report."),
}
# fmt: on
