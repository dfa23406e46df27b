"""From a finished study to a page that a colleague can read without the tool."""

from qdsl.report.write import FORMATS, write_report

__all__ = ["FORMATS", "write_report"]
