"""The structure that the packages promise: import direction, quick start, modules of a readable size."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import qdsl
from qdsl.resources import data_dir

ROOT = Path(qdsl.__file__).parent
# A package imports only itself and packages to its left.
ORDER = (
    "diagnostics",
    "syntax",
    "model",
    "unparse",
    "interpreter",
    "symbolic",
    "exchange",
    "mapspace",
    "mapper",
    "quant",
    "study",
    "report",
    "cli",
)
FREE = ("readable", "resources")
# Beside that order, each with what it builds on. Only `cli` starts them, and `qdsl` itself hands out `api`.
ENDS = {
    "api": ORDER[: ORDER.index("cli")],
    "importers": ("diagnostics", "syntax", "model", "unparse"),
    "lsp": ("diagnostics", "syntax", "model", "symbolic"),
}
HEAVY = (
    "distributed",
    "jinja2",
    "lsprotocol",
    "numpy",
    "onnx",
    "pandas",
    "pyarrow",
    "pygls",
    "pymoo",
    "rich",
    "scipy",
    "sklearn",
    "sympy",
    "torch",
    "yaml",
    "z3",
)
MODULES = sorted(ROOT.rglob("*.py"))
LONGEST = 320  # a module is about one concept; 100 to 300 lines is the aim


def imported(tree: ast.AST, module: Path) -> Iterator[str]:
    """Dotted names of all modules that a file imports, at its top or inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} uses a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_package_has_its_place_in_the_order() -> None:
    packages = {p.name for p in ROOT.iterdir() if (p / "__init__.py").exists()}
    assert packages == {*ORDER, *ENDS}


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_go_in_one_direction(module: Path) -> None:
    place = module.relative_to(ROOT).parts[0]
    if place in ("__init__.py", "__main__.py"):
        allowed: set[str] = {"cli"} if place == "__main__.py" else {"api", "diagnostics"}
    elif place.removesuffix(".py") in FREE:
        allowed = set()
    elif place in ENDS:
        allowed = {place, *ENDS[place], *FREE}
    else:
        allowed = {*ORDER[: ORDER.index(place) + 1], *FREE, *(("api", "importers", "lsp") if place == "cli" else ())}
    parts = [name.split(".") for name in imported(ast.parse(module.read_text(encoding="utf-8")), module)]
    # `from qdsl import __version__` names no package.
    used = {p[1] for p in parts if p[0] == "qdsl" and not p[1].startswith("__")}
    assert used <= allowed


def test_the_interpreter_and_what_it_checks_know_nothing_of_each_other() -> None:
    users = {
        module.relative_to(ROOT).parts[0]
        for module in MODULES
        for name in imported(ast.parse(module.read_text(encoding="utf-8")), module)
        if name.startswith("qdsl.interpreter")
    }
    assert users == {"interpreter", "study"}


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_module_is_short_and_says_what_it_is(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module begins with a docstring"
    assert text.count("\n") <= LONGEST


def test_check_loads_no_heavy_library() -> None:
    study = data_dir("specs") / "studies" / "mobilenet_v2_simba.qdsl"
    code = (
        "import sys; from qdsl.cli import main; code = main(sys.argv[1:])\n"
        f"print('loaded:', *(m for m in {HEAVY!r} if m in sys.modules)); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "check", str(study)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


def test_the_package_itself_imports_nothing() -> None:
    code = "import sys, qdsl; print(*(m for m in sys.modules if m.startswith('qdsl.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("package", ["diagnostics", "syntax", "model", "api"])
def test_package_of_the_front_end_imports_without_heavy_libraries(package: str) -> None:
    code = f"import sys, qdsl.{package}; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
