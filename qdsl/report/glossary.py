"""The terms a report uses, explained for a reader who has not met them. Templates link to `term-<name>`."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str], ...] = (
    (
        "access",
        "One transfer of a block of words between a memory and its neighbour. Energy tables give pJ per access.",
    ),
    (
        "backing store",
        "The outermost memory (DRAM): it holds every tensor of a layer in full and has no size limit.",
    ),
    (
        "bit-width",
        "Bits of one value of a tensor. A word of 16 bits holds four 4-bit values, five 3-bit values "
        "or one 9-bit value: a value never straddles two words, so some widths cost the same.",
    ),
    (
        "bypass",
        "A memory that does not keep a tensor is passed by: the tensor moves directly between its neighbours.",
    ),
    ("constraint", "A rule of the study on the mappings that may be chosen, besides what the hardware allows."),
    ("cycle", "One step of the clock. The slowest level, computing or moving words, decides how many a layer takes."),
    (
        "dead option",
        "Bit-widths at which a layer has no legal mapping at all under the given capacities and constraints.",
    ),
    ("fan-out", "An array of equal instances below one memory, with loops spread over its x and y axes."),
    (
        "fill",
        "A word that is written into a memory because its tile changed: an input that arrives from the next outer "
        "memory, or a partial sum that comes back.",
    ),
    (
        "exact front",
        "All designs that no other one beats, proven. Of a large one a report shows some, spread evenly; front.csv has all.",
    ),
    (
        "error",
        "Share of the examples set aside that the quantised network takes for another class. The search chooses by it; the "
        "test error is that of other examples, which the search has not seen.",
    ),
    (
        "hypervolume",
        "Share of the box between the origin and a fixed worst point that the front dominates, from 0 to 1. "
        "It grows as the front gets better; a flat end means that the search has settled.",
    ),
    (
        "mapping",
        "A loop nest for a layer: which loops run at which level, in which order, and which are spread over the array.",
    ),
    (
        "multicast",
        "One read that serves several instances which need the same values at the same time.",
    ),
    (
        "noise",
        "Power of the quantisation noise relative to the signal in dB, by a rule that needs no data: 4 to the power of "
        "minus the bits, summed over weights and inputs of all layers. It ranks designs roughly and is not an accuracy.",
    ),
    (
        "operational intensity",
        "Operations of a layer per word that moves through a memory or one of its ports, all instances together.",
    ),
    ("operation", "A multiply-accumulate, or one addition or comparison in layers without weights."),
    ("optimal", "Proven: no legal mapping of the layer needs less energy in this cost model."),
    (
        "Pareto front",
        "The designs that no other evaluated design beats in one objective without losing in another.",
    ),
    ("read", "A word that leaves a memory, towards the compute units or back to the next outer memory."),
    (
        "rank agreement",
        "Kendall's tau-b of two orders of the same designs: of all pairs the share in the same order less the share in the "
        "opposite one, with allowance for ties; from -1 to 1.",
    ),
    (
        "reduction",
        "Adding partial sums of several instances on their way, so that one sum arrives instead of many.",
    ),
    (
        "roofline",
        "What limits the speed of a layer: all compute units working in every cycle, the share of the array that its mapping "
        "uses, or the bandwidth of the memory port that needs most cycles for its words.",
    ),
    (
        "stationary",
        "A tensor stays in a memory while inner loops that it does not depend on run: it is filled once, used often.",
    ),
    ("tile", "The part of a tensor that a memory holds at a time: what all loops at that level and inside touch."),
    (
        "update",
        "A word written into a memory by the level inside it: a result or a partial sum on its way out.",
    ),
    ("utilization", "Share of the compute units that a mapping uses."),
    ("word", "What one address of a memory holds. Capacities and counts are in words, after packing values into them."),
)
