"""Everything a template may use. Texts and numbers only: templates decide how they look, never what they are."""

from __future__ import annotations

from functools import partial

from markupsafe import Markup

from qdsl.report.accuracy import accuracy_facts, remark
from qdsl.report.asked import machine_facts, network_facts, option_rows, part_rows, search_facts
from qdsl.report.cube import cube
from qdsl.report.explained import accesses_text, tile_text
from qdsl.report.explored import configuration_rows, funnel_text, level_seconds, network_rows
from qdsl.report.figures import shade_step
from qdsl.report.figures.style import DARK, FIGURE_CSS, LIGHT, STEPS, step_class, variables
from qdsl.report.glossary import GLOSSARY
from qdsl.report.layers import ROLES, layer_rows, level_rows, nests, widths
from qdsl.report.occupancy import meshes, occupancy
from qdsl.report.pictures import Pictures, selection_data, width_options
from qdsl.report.points import answer, error_text, facts, point_rows, reference_rows, remarks, units
from qdsl.report.quantities import change, finer
from qdsl.report.stated import stated_figures
from qdsl.study.result import StudyRun


def view(run: StudyRun, figures: Pictures) -> dict[str, object]:
    """Names of a template and their values."""
    unit = units(run)
    points = point_rows(run)
    roofs = figures.rooflines
    layers = layer_rows(run, {row.name: row.limited_by for row in roofs.rows} if roofs else {})
    levels, others = level_rows(run)
    dead: dict[str, list[str]] = {}
    for option in run.dead:
        dead.setdefault(option.layer, []).append(widths(option.bits))
    return {
        "study": run.study.name,
        "network": run.study.network.name,
        "accelerator": run.study.accelerator.name,
        "parameters": [(name, f"{value:.6g}") for name, value in run.study.accelerator.parameters],
        "machine_facts": machine_facts(run.study),
        "complete": run.complete,
        "answer": answer(run, unit),
        "remarks": (*remarks(run), *filter(None, [remark(run)])),
        "energy": unit.energy,
        "layer_energy": finer(unit.energy, max(layer.energy_pj for layer in layers)),
        "memory": unit.memory,
        "noise": "noise" in run.study.objectives,
        "measured": "error" in run.chosen_point.objectives,
        "accuracy_facts": accuracy_facts(run),
        "change": change,
        "error": error_text,
        "step": {bits: step_class(bits, width_options(run)) for bits in width_options(run)},
        "steps": STEPS,
        "roles": ROLES,
        "points": points,
        "chosen": run.chosen,
        "chosen_rule": run.chosen_rule,
        "facts": facts(points[run.chosen], unit),
        "references": reference_rows(run),
        "baseline": run.baseline.label if run.baseline else None,
        "layers": layers,
        "levels": levels,
        "max_share": max(layer.share for layer in layers) or 1.0,
        "role_totals": {role: sum(pj for row in levels for r, pj in row.parts if r == role) for role in ROLES},
        "other_designs": others,
        "other_totals": [sum(row.others[i] for row in levels) for i in range(len(others))],
        "rooflines": roofs,
        "nests": nests(run),
        "meshes": partial(meshes, run.study.accelerator),
        "occupancy": occupancy(run),
        "cube": cube(run),
        "shade": shade_step,
        "tile": tile_text,
        "accesses": accesses_text,
        "network_facts": network_facts(run.study),
        "parts": part_rows(run),
        "options": option_rows(run.study),
        "legal": figures.legal,
        "constraints": figures.legal.constraints,
        "search_facts": search_facts(run),
        "history": run.history,
        "counts": run.counts,
        "timings": run.timings,
        "configurations": configuration_rows(run),
        "searched": [name for name, _ in run.study.hardware[0].values] if run.study.hardware else [],
        "stated": stated_figures(run),
        "networks": network_rows(run),
        "abstraction": run.levels,
        "funnel": funnel_text(run),
        "seconds": level_seconds(run),
        "dead": [(layer, tuple(bits)) for layer, bits in dead.items()],
        "provenance": run.provenance,
        "glossary": GLOSSARY,
        "figures": figures,
        "selection": selection_data(run, unit),
        # style sheets are qdsl's own text, not data
        "light": Markup(variables(LIGHT)),
        "dark": Markup(variables(DARK)),
        "figure_css": Markup(FIGURE_CSS),
    }
