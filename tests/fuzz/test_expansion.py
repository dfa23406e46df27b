"""Short texts that ask for much: each is refused, or done, before it takes a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from qdsl.diagnostics import Sink
from qdsl.model import load_model
from tests.fuzz.test_fuzz import bounded_memory, limited

MATMUL = "operator mm { dims M, N, K; weights W; O[m, n] += I[m, k] * W[k, n] }\n"
COPY = "operator copy { dims N, C; O[n, c] = I[n, c] }\n"
ENERGY = 'energy read 1 pJ, write 1 pJ; source "x"'
MACHINE = (
    f"accelerator a {{ word 16 bit; memory dram {{ {ENERGY} }}; memory pad {{ size 256 word; {ENERGY} }}\n"
    'compute mac { energy 1 pJ; source "x" } }\n'
)
NETWORK = "network n { input x: 64; a = mm(x, N = 32); output a }\n"


def lines(text: str, count: int) -> str:
    return "".join(text.replace("#", str(i)) + "\n" for i in range(count))


def constrained(text: str) -> str:
    return f"{MATMUL}{MACHINE}{NETWORK}constraints c for a {{ {text} }}\n"


def study(network: str, widths: str) -> str:
    precision = f"precision {{ weights in {{2..8}} per layer; activations in {{8}} per layer; output 8 bit\n{widths} }}"
    search = "search nsga2(population = 16, generations = 10, seed = 1)"
    return f"{MATMUL}{MACHINE}{network}study s {{ map n onto a; minimize energy; {search}\n{precision} }}\n"


CASES = {
    "axes": (f"operator o {{ dims {', '.join(f'D{i}' for i in range(2000))} }}", "Q0008"),
    "levels": (MACHINE.replace("compute", lines("memory m# { keep O }", 500) + "compute"), "Q0008"),
    "parameters": (MACHINE.replace("word 16", lines("param p# = #", 500) + "word 16"), "Q0008"),
    "repetition": (f"{COPY}network n {{ input x: 8; repeat 1e9 as b = copy(x); output b }}", "Q0305"),
    "doubling": (
        f"{COPY}network n {{ input x: 8\nblock b0(x) {{ yield copy(x) }}\n"
        + "".join(f"block b{i + 1}(x) {{ yield b{i}(b{i}(x)) }}\n" for i in range(30))
        + "y = b30(x); output y }",
        "Q0415",
    ),
    "nested for": (
        constrained("".join(f"for v{i} in {{1..60}} {{ " for i in range(9)) + "temporal(pad, K) <= v8" + " }" * 9),
        "Q0706",
    ),
    "for in for": (
        constrained("for a in {1..60} { for b in {a..60} { for c in {b..60} { temporal(pad, K) <= a + b + c } } }"),
        "Q0008",
    ),
    "values": (constrained(f"temporal(pad, K) in {{ {', '.join(['1..4000'] * 500)} }}"), "Q0305"),
    "unknown names": (
        lines(MATMUL.replace("mm", "operator_number_#"), 150)
        + "network n { input x: 8\n"
        + lines("a# = operator_numbr_#x(x)", 150)
        + "}",
        "Q0201",
    ),
    "duplicates": (COPY * 1000, "Q0202"),
    "long names": (f"study {'a' * 300_000} {{ map {'b' * 300_000} onto {'b' * 299_999}c }}", "Q0009"),
    "growing numbers": (
        MACHINE.replace("word 16", "param p0 = 1e99\n" + lines("param q# = p0 * p0 * p0", 60) + "word 16"),
        "Q0305",
    ),
    "fixed layers": (
        study(
            f"network n {{ {lines('layer l# = mm(M = 1, N = 2, K = 3)', 600)} }}\n", lines("layer l#: weights = 8", 600)
        ),
        "",
    ),
    "long text": (f'technology t {{ source "{"x" * 1_000_000}" }}', ""),
    "many imports": ('import "absent.qdsl"\n' * 3000, "Q0010"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_text_that_asks_for_much_takes_little(name: str, tmp_path: Path) -> None:
    text, code = CASES[name]
    path = tmp_path / "main.qdsl"
    path.write_text(text)
    sink = Sink()
    with bounded_memory(), limited():
        model = load_model(path, sink)
    assert code in {d.code for d in sink} if code else model is not None
    assert len(sink.diagnostics) < 110
