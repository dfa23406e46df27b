"""Templates: found in the user's directory first, then in qdsl's own; rendered in a sandbox; mistakes become findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qdsl.diagnostics import SourceFile
from qdsl.report import quantities
from qdsl.report.errors import broken_template, missing_template
from qdsl.report.formulas import html_formula, markdown_formula
from qdsl.report.markdown import code, escape_markdown, fence
from qdsl.resources import data_dir


def render(name: str, context: Mapping[str, object], override: Path | None = None) -> str:
    """The template `name` with the context. Raises SpecError for a template that is missing or does not render."""
    directories = [directory for directory in (override, data_dir("templates")) if directory is not None]
    environment = _environment(FileSystemLoader(directories), markdown=name.endswith(".md.j2"))
    try:
        return environment.get_template(name).render(context)
    except TemplateNotFound as error:
        raise missing_template(str(error.name or name), directories) from error
    except TemplateSyntaxError as error:
        source = _source(environment, error.name or name)
        raise broken_template(error.message or "syntax error", source, error.lineno) from error
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        template, line = _place(error, directories, name)
        raise broken_template(f"{type(error).__name__}: {error}", _source(environment, template), line) from error


def _environment(loader: BaseLoader, markdown: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=not markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=escape_markdown if markdown else None,
    )
    filters: dict[str, Callable[..., Any]] = {
        "grouped": quantities.grouped,
        "percent": quantities.percent,
        "code": code,
        "fence": fence,
        "formula": markdown_formula if markdown else html_formula,
    }
    environment.filters.update(filters)
    return environment


def _place(error: BaseException, directories: list[Path], name: str) -> tuple[str, int]:
    """Template and line where an error arose: jinja2 puts frames of templates into the traceback."""
    place, trace = (name, 1), error.__traceback__
    while trace is not None:
        for directory in directories:
            file = Path(trace.tb_frame.f_code.co_filename)
            if file.is_relative_to(directory):
                place = file.relative_to(directory).as_posix(), trace.tb_lineno
        trace = trace.tb_next
    return place


def _source(environment: ImmutableSandboxedEnvironment, name: str) -> SourceFile | None:
    try:
        text, path, _ = environment.loader.get_source(environment, name) if environment.loader else ("", None, None)
    except (TemplateNotFound, OSError, UnicodeDecodeError):
        return None
    return SourceFile(path or name, text)
