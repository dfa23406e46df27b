"""From text specs of accelerators and networks to optimal mappings, mixed bit-widths and a Pareto report.

spec = qdsl.load("specs/examples/first.qdsl")
results = spec.study("first").run()
results.front.to_pandas()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qdsl.api import Results, Spec, Study, Table, WrittenMapping, load, loads, to_text
    from qdsl.diagnostics import SpecError

    __version__: str

__all__ = [
    "Results",
    "Spec",
    "SpecError",
    "Study",
    "Table",
    "WrittenMapping",
    "__version__",
    "load",
    "loads",
    "to_text",
]


def __getattr__(name: str) -> object:
    """What is used is imported when it is used, so that `import qdsl` costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("qdsl")
    if name not in __all__:
        raise AttributeError(f"module `qdsl` has no attribute `{name}`")
    from qdsl import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted(__all__)
