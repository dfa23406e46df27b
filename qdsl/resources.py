"""Where the grammar, specs and templates are: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path


def data_dir(name: str) -> Path:
    """Directory `grammar`, `specs` or `templates`."""
    package = Path(__file__).parent
    inside = package / "_data" / name
    return inside if inside.is_dir() else package.parent / name
