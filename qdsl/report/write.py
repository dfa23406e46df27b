"""A study run as files: one offline HTML page, or Markdown with its figures beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from qdsl.report.errors import unwritable
from qdsl.report.pictures import Pictures, pictures
from qdsl.report.points import units
from qdsl.report.templating import render
from qdsl.report.view import view
from qdsl.study.result import StudyRun

FORMATS = ("html", "markdown")


def write_report(
    run: StudyRun, out_dir: Path, formats: tuple[str, ...] = FORMATS, templates: Path | None = None
) -> tuple[Path, ...]:
    """Writes `report.html` and/or `report.md` (with `front.svg` and others beside it) and returns their paths.

    templates: a directory whose files replace qdsl's own of the same name. Equal runs give equal files.
    Raises SpecError for a template that is missing or broken and for a directory that cannot be written.
    """
    figures = pictures(run, units(run))
    contents = view(run, figures)
    writers: dict[str, Callable[[], dict[str, str]]] = {
        "html": lambda: {"report.html": render("report.html.j2", contents, templates)},
        "markdown": lambda: _markdown(contents, figures, templates),
    }
    # all is rendered before anything is written: a broken template leaves the old report as it was
    reports = [writers[name]() for name in dict.fromkeys(formats)]
    for files in reports:
        for name, text in files.items():
            write_file(out_dir / name, text)
    return tuple(out_dir / next(iter(files)) for files in reports)


def _markdown(contents: Mapping[str, object], figures: Pictures, templates: Path | None) -> dict[str, str]:
    report = render("report.md.j2", contents, templates)
    files = {"report.md": report, "mappings.csv": figures.legal.csv}
    return files | {name: figure.standalone() for name, figure in figures.files().items()}


def write_file(path: Path, text: str) -> None:
    """Replaces a file as a whole, so that a reader never sees half a report."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
