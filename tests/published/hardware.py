"""Engines, cores and crossbars: `python -m tests.published.hardware [DIRECTORY]` runs their studies (half an hour; what the
directory has is not solved again) and writes HARDWARE.md with its pictures."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.published import cores, crossbars, engines

PAGE = Path(__file__).with_name("HARDWARE.md")


def page(directory: Path) -> str:
    return f"""# Engines, cores and crossbars

Results of shipped studies. Energies are those of the best mappings, proven; the error is the additive model `noise`, not a
measured accuracy. Written by `python -m tests.published.hardware`.

{engines.section(directory)}
{cores.section()}
{crossbars.section({network: crossbars.models_of(network) for network in crossbars.NETWORKS})}"""


if __name__ == "__main__":
    if len(sys.argv) > 1:
        PAGE.write_text(page(Path(sys.argv[1])), encoding="utf-8")
    else:
        with tempfile.TemporaryDirectory() as place:
            PAGE.write_text(page(Path(place)), encoding="utf-8")
