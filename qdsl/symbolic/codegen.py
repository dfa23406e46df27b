"""From sympy expressions to numpy kernels: common subexpressions shared, printed as a readable function, compiled once.

A generated function takes one array per input symbol (they broadcast) and returns one array per output. Its text is in
`Kernel.source`, and a debugger can step into it.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Kernel:
    """A compiled function. call(inputs...) -> tuple of arrays in the order of `outputs`."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    source: str = field(repr=False)
    call: Callable[..., tuple[Any, ...]] = field(repr=False, compare=False)


def compile_kernel(name: str, inputs: Sequence[Any], outputs: Mapping[str, Any]) -> Kernel:
    """Generates and compiles a kernel. inputs: sympy symbols, in argument order; outputs: name -> expression."""
    source = kernel_source(name, inputs, outputs)
    filename = f"<qdsl kernel {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = _namespace()
    exec(compile(source, filename, "exec"), namespace)
    return Kernel(name, tuple(str(s) for s in inputs), tuple(outputs), source, namespace[name])


def kernel_source(name: str, inputs: Sequence[Any], outputs: Mapping[str, Any]) -> str:
    """The text of the generated function."""
    import sympy

    printer = _printer()
    shared, reduced = sympy.cse(list(outputs.values()), symbols=sympy.numbered_symbols("t"), optimizations=[])
    lines = [f"def {name}({', '.join(str(s) for s in inputs)}):"]
    lines += [f"    {symbol} = {printer.doprint(expr)}" for symbol, expr in shared]
    lines += [f"    {output} = {printer.doprint(expr)}" for output, expr in zip(outputs, reduced, strict=True)]
    lines.append(f"    return ({', '.join(outputs)},)")
    return "\n".join(lines) + "\n"


def _printer() -> Any:
    from sympy.printing.pycode import PythonCodePrinter

    class _Printer(PythonCodePrinter):  # type: ignore[misc]
        def _call(self, function: str, expr: Any) -> str:
            return f"{function}({', '.join(self._print(a) for a in expr.args)})"

        def _print_CeilDiv(self, expr: Any) -> str:
            return self._call("ceil_div", expr)

        def _print_Revisits(self, expr: Any) -> str:
            return self._call("revisits", expr)

        def _print_IfInnermost(self, expr: Any) -> str:
            return self._call("if_innermost", expr)

        def _print_PositivePart(self, expr: Any) -> str:
            return self._call("positive_part", expr)

        def _print_DistinctSums(self, expr: Any) -> str:
            return self._call("distinct", expr)

        def _print_FreshSums(self, expr: Any) -> str:
            return self._call("fresh", expr)

        def _print_Unless(self, expr: Any) -> str:
            return self._call("unless", expr)

    return _Printer({"fully_qualified_modules": False})


def _namespace() -> dict[str, Any]:
    from qdsl.symbolic import functions

    def distinct(*flat: Any) -> Any:
        return functions.distinct_sums(list(zip(flat[::2], flat[1::2], strict=True)))

    def fresh(shift: Any, linked: int, *flat: Any) -> Any:
        return functions.fresh_sums(shift, linked, list(zip(flat[::2], flat[1::2], strict=True)))

    return {
        "fresh": fresh,
        "unless": functions.unless,
        "ceil_div": functions.ceil_div,
        "revisits": functions.revisits,
        "if_innermost": functions.if_innermost,
        "positive_part": functions.positive_part,
        "distinct": distinct,
    }
