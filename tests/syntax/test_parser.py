"""Text becomes the nodes of `qdsl.syntax.tree`, with exact spans."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import pytest

from qdsl.diagnostics import Sink, SourceFile, Span
from qdsl.syntax import parse, tables
from qdsl.syntax import tree as t

T = TypeVar("T")


def tree_of(text: str) -> t.File:
    sink = Sink()
    file = parse(SourceFile("x.qdsl", text), sink)
    assert not sink.diagnostics
    return file


def only(text: str, kind: type[T]) -> T:
    (declaration,) = tree_of(text).declarations
    assert isinstance(declaration, kind)
    return declaration


def at(span: Span) -> str:
    return span.source.text[span.start : span.end]


def formula(text: str) -> t.Expr:
    (constraint,) = only(f"constraints c for a {{ {text} }}", t.ConstraintsDecl).body
    assert isinstance(constraint, t.FormulaConstraint)
    return constraint.formula


def shown(e: t.Expr) -> str:
    """The expression with all of its parentheses."""
    match e:
        case t.Number():
            return e.text + (f" {e.unit}" if e.unit else "")
        case t.Name():
            return e.dotted
        case t.Membership():
            return f"({shown(e.operand)} in {at(e.options.span)})"
        case t.Unary():
            return f"({e.op} {shown(e.operand)})"
        case t.Binary():
            return f"({shown(e.left)} {e.op} {shown(e.right)})"
        case t.Call():
            return f"{e.function.dotted}({', '.join(shown(a.value) for a in e.arguments)})"
        case t.Conditional():
            return f"(if {shown(e.condition)} then {shown(e.then)} else {shown(e.otherwise)})"
        case t.Then():
            return f"({shown(e.first)} then {shown(e.rest)})"


def test_an_operator_collects_dims_weights_and_its_rule() -> None:
    text = "operator conv(stride = 1, pad) { dims N, K; weights W; dims P; O[n, p] += I[n, stride*p] * W[p] }"
    operator = only(text, t.OperatorDecl)
    assert [d.name for d in operator.dims] == ["N", "K", "P"]
    assert [(p.name.name, p.default is None) for p in operator.parameters] == [("stride", False), ("pad", True)]
    (rule,) = operator.rules
    assert (rule.assign, rule.combine) == ("+=", "*")
    assert [i.tensor.name for i in rule.inputs] == ["I", "W"]
    assert shown(rule.inputs[0].indices[1]) == "(stride * p)"


@pytest.mark.parametrize(
    ("rule", "assign", "combine", "inputs"),
    [
        ("O[n] = A[n] + B[n] + C[n]", "=", "+", 3),
        ("O[n] max= I[n, r]", "max=", "", 1),
        ("O[n] += A[n] * B[n]", "+=", "*", 2),
        ("O[] += I[n]", "+=", "", 1),
    ],
)
def test_inputs_of_a_rule_are_all_multiplied_or_all_added(rule: str, assign: str, combine: str, inputs: int) -> None:
    (parsed,) = only(f"operator o {{ {rule} }}", t.OperatorDecl).rules
    assert (parsed.assign, parsed.combine, len(parsed.inputs)) == (assign, combine, inputs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c == d", "((a + (b * c)) == d)"),
        ("a - b - c < 1", "(((a - b) - c) < 1)"),
        ("(a - (b - c)) / 2 >= -x * y", "(((a - (b - c)) / 2) >= ((- x) * y))"),
        ("not a == b and c or d", "(((not (a == b)) and c) or d)"),
        ("not a + b in {2..4} and c", "((not ((a + b) in {2..4})) and c)"),
        ("spatial(pe.x, K) >= 50 %", "(spatial(pe.x, K) >= 50 %)"),
        ("a == (if b < 1 then c else if d then e else f)", "(a == (if (b < 1) then c else (if d then e else f)))"),
        ("spatial == temporal", "(spatial == temporal)"),
    ],
)
def test_operators_bind_as_usual(text: str, expected: str) -> None:
    assert shown(formula(text)) == expected


def test_numbers_keep_their_text_and_unit() -> None:
    word = only("accelerator a { word 1.50e-3word/cycle }", t.AcceleratorDecl).items[0]
    assert isinstance(word, t.WordStmt)
    assert isinstance(word.value, t.Number)
    assert (word.value.text, word.value.unit) == ("1.50e-3", "word/cycle")
    assert word.value.unit_span
    assert at(word.value.unit_span) == "word/cycle"


def test_keywords_are_names_where_they_cannot_stand() -> None:
    text = """
    operator word(size = 1, step) { dims X, if_; layer[n] = read[x] * energy[n] }
    network network {
      input x: 3 x x x 4
      output = word(x, in = 1) relu
      input = memory(output, 1 then 2)
      block repeat(x) { layer = conv2d(x); yield layer }
      layer layer = mapping(x = 2)
      repeat 2 as repeat = repeat(input)
      output repeat
    }
    accelerator energy { memory size { size size; keep read } }
    """
    file = tree_of(text)
    network = file.declarations[1]
    assert isinstance(network, t.NetworkDecl)
    kinds = [type(item).__name__ for item in network.items]
    assert kinds == ["InputStmt", "Binding", "Binding", "BlockDecl", "LayerStmt", "Binding", "OutputStmt"]
    image = network.items[0]
    assert isinstance(image, t.InputStmt)
    assert [shown(s) for s in image.shape] == ["3", "x", "4"]


def test_a_keyword_is_never_the_beginning_of_a_longer_word() -> None:
    sink = Sink()
    parse(SourceFile("x", "accelerator a { wordsize }"), sink)
    assert [d.message for d in sink] == ["`wordsize` is no statement of an accelerator"]


def test_instances_of_a_block_are_numbers_behind_a_dot() -> None:
    mapping = only("mapping m for net.b7.1.p onto a(rows = 2) { bits W = 4 }", t.MappingDecl)
    assert [p.name for p in mapping.layer.parts] == ["net", "b7", "1", "p"]
    assert [a.name and a.name.name for a in mapping.accelerator.arguments] == ["rows"]


def test_sets_hold_values_and_ranges() -> None:
    param = only("accelerator a { param p = 4 in {1, 2..4, 32 KiB .. 64 KiB step 8 KiB} }", t.AcceleratorDecl).items[0]
    assert isinstance(param, t.ParamDecl)
    assert param.domain
    assert [type(i).__name__ for i in param.domain.items] == ["Number", "Range", "Range"]
    last = param.domain.items[2]
    assert isinstance(last, t.Range)
    assert last.step
    assert shown(last.step) == "8 KiB"


def test_spans_reach_from_first_to_last_character() -> None:
    text = "// é\nnetwork n {\n  a = conv2d((x),  // c\n    K = 2 * (3 + 4)) relu6\n}\n"
    file = tree_of(text)
    (network,) = file.declarations
    assert isinstance(network, t.NetworkDecl)
    binding = network.items[0]
    assert isinstance(binding, t.Binding)
    assert at(network.span) == text[5:-1]
    assert at(binding.span) == "a = conv2d((x),  // c\n    K = 2 * (3 + 4)) relu6"
    assert isinstance(binding.value, t.Call)
    assert at(binding.value.arguments[1].span) == "K = 2 * (3 + 4)"
    assert (binding.value.arguments[1].span.line, binding.value.arguments[1].span.column) == (4, 5)
    assert [c.text for c in file.comments] == ["// é", "// c"]


def test_a_study_and_constraints_keep_their_order() -> None:
    text = """
    constraints c for a {
      spatial pe.x only Q, K
      temporal pad none
      order glb: P, Q innermost
      order glb: K
      if bits(W) <= 4 then if bits(I) <= 4 then temporal pad only C
      every conv2d { tile(pad, R) == R }
    }
    study s {
      map n onto a(rows = 14)
      precision { weights in {2..8} per layer; output 8 bit; layer b.1.p: weights = 8, activations = 4 }
      constrain with c
      constrain { spatial pe.y only S }
      minimize energy, weight_memory
      search nsga2(population = 48, operators = seed)
      report html
    }
    """
    constraints, study = tree_of(text).declarations
    assert isinstance(constraints, t.ConstraintsDecl)
    assert isinstance(study, t.StudyDecl)
    assert [type(c).__name__ for c in constraints.body] == [
        *("OnlyConstraint", "OnlyConstraint", "OrderConstraint", "OrderConstraint", "IfConstraint", "EveryConstraint")
    ]
    none, pinned, free = constraints.body[1:4]
    assert isinstance(none, t.OnlyConstraint)
    assert none.dims == ()
    assert isinstance(pinned, t.OrderConstraint)
    assert isinstance(free, t.OrderConstraint)
    assert (pinned.anchor, free.anchor) == ("innermost", "")
    assert [type(i).__name__ for i in study.items] == [
        *("MapStmt", "PrecisionBlock", "ConstrainWith", "ConstrainBlock", "MinimizeStmt", "SearchStmt", "ReportStmt")
    ]


def test_constraints_with_values_and_names_to_choose_from() -> None:
    text = """constraints c for a {
      keep glb: W, I
      bypass pad: W
      temporal(glb, C) in {1, 2..8 step 2}
      every layer b.1.*, stem { for t in I, W { occupancy(glb, t) <= 50 % } }
      for b in {2, 4} { if bits(W) == b and K in {2..4} then keep glb: W }
      same spatial for conv2d, depthwise
      same spatial for layer *.p
    }"""
    kept, passing, member, every, numbers, same, named = only(text, t.ConstraintsDecl).body
    assert isinstance(kept, t.KeepConstraint)
    assert (kept.kept, kept.level.name, [x.name for x in kept.tensors]) == (True, "glb", ["W", "I"])
    assert isinstance(passing, t.KeepConstraint)
    assert not passing.kept
    assert isinstance(member, t.FormulaConstraint)
    assert isinstance(member.formula, t.Membership)
    assert at(member.formula.options.span) == "{1, 2..8 step 2}"
    assert isinstance(every, t.EveryConstraint)
    assert ([x.name for x in every.layers], every.operators) == (["b.1.*", "stem"], ())
    (inner,) = every.body
    assert isinstance(inner, t.ForConstraint)
    assert isinstance(inner.values, tuple)
    assert (inner.variable.name, [v.dotted for v in inner.values]) == ("t", ["I", "W"])
    assert isinstance(numbers, t.ForConstraint)
    assert isinstance(numbers.values, t.ValueSet)
    assert isinstance(same, t.SameConstraint)
    assert [x.name for x in same.operators] == ["conv2d", "depthwise"]
    assert isinstance(named, t.SameConstraint)
    assert [x.name for x in named.layers] == ["*.p"]


def test_groups_of_channels() -> None:
    """`at` is no unit of the number before it."""
    (item,) = only("study s { precision { split b.1.p: 16 at 8 bit, 2 * split at 4 } }", t.StudyDecl).items
    assert isinstance(item, t.PrecisionBlock)
    (split,) = item.statements
    assert isinstance(split, t.SplitLayer)
    assert split.layer.dotted == "b.1.p"
    assert [(shown(g.channels), shown(g.bits)) for g in split.groups] == [("16", "8 bit"), ("(2 * split)", "4")]
    assert at(split.groups[0].span) == "16 at 8 bit"


def test_an_operator_in_place_of_another() -> None:
    (item,) = only("study s { map depthwise as conv2d(K = C) }", t.StudyDecl).items
    assert isinstance(item, t.MapAsStmt)
    assert (item.operator.name, shown(item.call)) == ("depthwise", "conv2d(C)")


def test_lines_go_on_where_a_statement_cannot_end() -> None:
    long = """accelerator a
    {
      param p =
        4 in {
          1,
          2
        }
      word (
        16 bit
      ) *
        2 // half
      memory m { energy read 1 pJ,

        write 2 pJ }; compute c { }
    }"""
    short = "accelerator a { param p = 4 in {1, 2}; word (16 bit) * 2; memory m { energy read 1 pJ, write 2 pJ }"
    short += "; compute c { } }"
    assert tree_of(long) == tree_of(short)
    spread = "network n { b = f(x)\nyield_ = if a\n and b\n then c\n else d\n }"
    assert tree_of(spread) == tree_of("network n { b = f(x); yield_ = if a and b then c else d }")


def test_carriage_returns_and_a_byte_order_mark_are_layout() -> None:
    assert tree_of("\ufeffaccelerator a {\r\n  word 8 bit\r\n}\r\n") == tree_of("accelerator a { word 8 bit }")


def test_escapes_in_texts() -> None:
    (node,) = tree_of(r'import "a\"b\\c"').imports
    assert node.path.value == 'a"b\\c'


@pytest.mark.parametrize("text", ["", "\n\n", "// nothing", ";", "\ufeff"])
def test_an_empty_file_is_a_file(text: str) -> None:
    assert tree_of(text).declarations == ()


def test_a_damaged_cache_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tables.parser.__wrapped__()
    made = tables.tables.__wrapped__()
    kept = {path.suffix: path for path in (tmp_path / "qdsl").iterdir()}
    good = kept[".json"].read_bytes()
    for damaged in (good[:-100], b"[]", b"{}", b"\xff"):
        kept[".json"].write_bytes(damaged)
        assert tables.tables.__wrapped__() == made
        assert kept[".json"].read_bytes() == good
    kept[".pickle"].write_bytes(b"not a pickle")
    assert tables.parser.__wrapped__().parse("accelerator a { word 8 bit }")


def test_a_cache_that_cannot_be_used_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qdsl").write_text("a file where the directory should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tables.tables.__wrapped__().rules == tables.tables().rules
    assert tables.parser.__wrapped__().parse("accelerator a { word 8 bit }")


def test_a_cache_that_others_may_write_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qdsl").mkdir()
    (tmp_path / "qdsl").chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tables.tables.__wrapped__()
    tables.parser.__wrapped__()
    assert not list((tmp_path / "qdsl").iterdir())


def test_reading_a_spec_loads_no_heavy_library() -> None:
    script = "import sys, qdsl.syntax; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "sympy", "z3", "pymoo", "rich", "jinja2", "sqlite3"} & set(found)
