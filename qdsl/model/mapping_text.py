"""A mapping as the body of a qdsl `mapping` block: what a report shows can be pasted into a spec and evaluated."""

from __future__ import annotations

from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.mapping import Mapping


def format_mapping(mapping: Mapping, accelerator: Accelerator) -> str:
    """Loop nest, outermost place first, one line per place that has loops; '' for a mapping without loops. What becomes of
    iterations past a size comes first, then what is bypassed.

    The places are padded to one width, so that the loops stand below each other.
    """
    spatial = {place for h in accelerator.hierarchy if isinstance(h, FanOut) for place in h.places}
    rows = [(place, mapping.loops(place)) for place in accelerator.places if mapping.loops(place)]
    width = max((len(place) for place, _ in rows), default=0)
    lines = [f"imperfect {mapping.imperfect}"] if mapping.imperfect else []
    for level in accelerator.levels:
        if bypassed := sorted(t for name, t in mapping.bypass if name == level.name):
            lines.append(f"bypass {level.name}: {', '.join(bypassed)}")
    for place, loops in rows:
        word = "parallel" if place in spatial else "for"
        lines.append(f"{place:<{width}}: {word} {', '.join(f'{x.dim} {x.factor}' for x in loops)}")
    return "\n".join(lines)
