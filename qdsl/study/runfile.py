"""`run.json`: a StudyRun to the last field, for the report and for other programs.

    {"format": "qdsl-run", "version": 5, "run": {...}}

`run` has the fields of qdsl.study.result.StudyRun under their names, nested like the classes. Energies are in pJ,
times in seconds, `choice` is in the order of `study.precision.variables`. Only `timings` and, between a first and a
repeated run, `counts.solved` and `counts.from_store` differ from run to run.
"""

from __future__ import annotations

import json
from pathlib import Path

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.study.codec import from_json, to_json
from qdsl.study.files import write_at_once
from qdsl.study.result import StudyRun

RUN_FILE = "run.json"
FORMAT = "qdsl-run"
VERSION = 5


def save_run(run: StudyRun, path: Path) -> None:
    """Writes the file at once: whoever reads it sees the old or the new one. Raises SpecError (Q0905) if it cannot."""
    text = json.dumps(
        {"format": FORMAT, "version": VERSION, "run": to_json(run)}, separators=(",", ":"), allow_nan=False
    )
    write_at_once(path, text + "\n")


def load_run(path: Path) -> StudyRun:
    """Raises SpecError (Q0906) when there is no finished run or the file is not one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError("it is not the record of a qdsl run")
        if data.get("version") != VERSION:
            raise ValueError(f"its version is {data.get('version')!r}, this qdsl reads version {VERSION}")
        return from_json(data.get("run"), StudyRun)
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, RecursionError) as error:
        reason = str(error)
    help_line = "`qdsl run FILE --out DIR` leaves a run in DIR"
    raise SpecError([Diagnostic("Q0906", f"no run can be read from `{path}`: {reason}", None, helps=(help_line,))])
