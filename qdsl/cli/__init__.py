"""The command line. Heavy libraries are imported by the commands that use them."""

from qdsl.cli.app import main

__all__ = ["main"]
