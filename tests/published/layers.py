"""Single layers: what was published and ours."""

from __future__ import annotations

from tests.published.figures import ALEXNET, ALEXNET_EDP, CONVOLUTIONS, LAYER_STUDIES, LAYER_WEIGHTS, MOBILENET_LAYERS
from tests.published.markdown import both, lines, pairs, ratio, widths_text
from tests.published.questions import ANCHORS, Answers, Question, alexnet_questions, anchors, mobilenet_question

OBJECTIVES = {
    "energy": "energy",
    "latency": "cycles, then energy",
    "accesses,energy": "accesses, then energy",
}
# study, factors -> the header of its column
FREEDOMS = {
    ("published", ""): "as published",
    ("free_orders", ""): "free orders",
    ("free_orders", "padded"): "free orders, padded",
}


def alexnet_edp_table(answers: Answers) -> str:
    rows = []
    for bits, of_layers in ALEXNET_EDP.items():
        for question, published in zip(alexnet_questions(bits, "edp"), of_layers, strict=True):
            ours = answers[question]
            rows.append(
                (
                    widths_text(bits),
                    question.layer,
                    *both(published.energy_uj, ours.energy_pj / 1e6, ",.2f"),
                    *both(published.cycles, ours.cycles, ",d"),
                    *both(published.edp, ours.edp, ",.2f"),
                    ratio(published.edp, ours.edp),
                    *both(published.accesses, ours.accesses, ",d"),
                )
            )
    return lines(("bits", "layer", *pairs("energy", "cycles", "EDP"), "ratio", *pairs("accesses")), rows)


def alexnet_objectives_table(answers: Answers) -> str:
    """The optima for other objectives than EDP; the ratio is that of the energies."""
    rows = []
    for (objective, bits), of_layers in ALEXNET.items():
        for question, published in zip(alexnet_questions(bits, objective), of_layers, strict=True):
            ours = answers[question]
            rows.append(
                (
                    OBJECTIVES[objective],
                    widths_text(bits),
                    question.layer,
                    *both(published.energy_uj, ours.energy_pj / 1e6, ",.3f"),
                    ratio(published.energy_uj, ours.energy_pj / 1e6),
                    *both(published.cycles, ours.cycles, ",d"),
                    *both(published.accesses, ours.accesses, ",d"),
                )
            )
    header = ("objective", "bits", "layer", *pairs("energy"), "ratio", *pairs("cycles", "accesses"))
    return lines(header, rows)


def freedom_table(answers: Answers) -> str:
    """What is gained in EDP where the published space is restricted."""
    rows = []
    for bits in ALEXNET_EDP:
        columns = [[answers[q].edp for q in alexnet_questions(bits, "edp", *freedom)] for freedom in FREEDOMS]
        for layer, edps in zip([*CONVOLUTIONS, "all"], zip(*([*x, sum(x)] for x in columns), strict=True), strict=True):
            gains = [f"{1 - x / edps[0]:.1%}" for x in edps[1:]]
            rows.append(
                [widths_text(bits), layer, f"{edps[0]:,.2f}", f"{edps[1]:,.2f}", gains[0], f"{edps[2]:,.2f}", gains[1]]
            )
    first, second, third = FREEDOMS.values()
    return lines(("bits", "layer", first, second, "gain", third, "gain"), rows)


def freedom_gains(answers: Answers) -> str:
    """Of the sums over the layers, in words."""
    gains = []
    for bits in ALEXNET_EDP:
        first, *_, last = (sum(answers[q].edp for q in alexnet_questions(bits, "edp", *x)) for x in FREEDOMS)
        gains.append(f"{1 - last / first:.1%}")
    return (
        f"Free loop orders and padded dimensions lower the sums of AlexNet by {', '.join(gains[:-1])} and {gains[-1]}."
    )


def mobilenet_tables(answers: Answers) -> dict[str, str]:
    """One per study: energy and cycles of the mapping of best EDP at three widths of weights, and the ratios of the EDP."""
    found = {}
    for study in LAYER_STUDIES:
        rows = []
        for layer in MOBILENET_LAYERS[study, LAYER_WEIGHTS[0]]:
            row = [layer]
            for weight_bits in LAYER_WEIGHTS:
                published = MOBILENET_LAYERS[study, weight_bits][layer]
                ours = answers[mobilenet_question(study, layer, weight_bits)]
                assert published.cycles is not None
                row += both(published.energy_uj, ours.energy_pj / 1e6, ",.2f")
                row += both(published.cycles, ours.cycles, ",d")
                row.append(ratio(published.energy_uj * published.cycles / 1e6, ours.edp))
            if not layer.startswith("b7.") or layer.startswith("b7.1."):
                rows.append([row[0].replace("b7.1.", "b7.*."), *row[1:]])
        header = ["layer"]
        for weight_bits in LAYER_WEIGHTS:
            header += [*pairs(f"{weight_bits} bits: energy", "cycles"), "ratio"]
        found[study] = lines(header, rows)
    return found


def anchors_table(answers: Answers) -> str:
    rows = []
    for question, by_energy in anchors().items():
        if question.objective == "energy":
            twin = Question(ANCHORS, question.study, question.layer, question.bits, "edp")
            by_edp = anchors()[twin]
            energies = (by_energy["energy_pJ"] / 1e6, answers[question].energy_pj / 1e6)
            edps = (by_edp["energy_pJ"] * by_edp["cycles"] / 1e12, answers[twin].edp)
            problem = (question.study, question.layer, widths_text(question.bits))
            rows.append((*problem, *both(*energies, ",.1f"), ratio(*energies), *both(*edps, ",.1f"), ratio(*edps)))
    return lines(("machine", "layer", "bits", *pairs("energy"), "ratio", *pairs("EDP"), "ratio"), rows)
