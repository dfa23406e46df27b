"""What a study run hands to the report: plain data that `run.json` carries to the last field.

Invariant: every number is finite. Designs in which some layer has no legal mapping never appear as points; their
options are listed in `StudyRun.dead`.
"""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.model.mapping import Mapping
from qdsl.model.study import Study
from qdsl.study.width_grid import WidthGrid
from qdsl.symbolic.result import Evaluation

# Units of the objectives' values, which qdsl.study.objectives defines. Values in dB may be negative.
OBJECTIVE_UNITS = {
    "energy": "pJ",
    "weight_memory": "bit",
    "activation_memory": "bit",
    "latency": "cycles",
    "edp": "pJ*cycles",
    "noise": "dB",
    "area": "mm2",
    "error": "%",
    "sensitivity": "1",
}


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One layer in one design. bits: (tensor, width); energy_pj: of its best mapping, times how often its network runs;
    status: 'optimal' or 'feasible'."""

    name: str
    operator: str
    bits: tuple[tuple[str, int], ...]
    energy_pj: float
    status: str


@dataclass(frozen=True, slots=True)
class DesignPoint:
    """One assignment of bit-widths to the network.

    label: '' for a point of the search, '8/8' for the uniform reference of 8 bits. hardware: index of its configuration in
    `study.hardware`, 0 if no parameter is searched.
    choice: width of each variable of `study.precision`, in order.
    objectives: value of every known objective (units in OBJECTIVE_UNITS), also of those the study does not minimise;
    latency and edp only where one of them is minimised, area only where it is, error only where it is measured.
    test_error: per cent, on examples that the search has not seen; None where it is not measured.
    layers: every layer of the network, in network order.
    """

    label: str
    choice: tuple[int, ...]
    objectives: dict[str, float]
    layers: tuple[LayerResult, ...]
    hardware: int = 0
    test_error: float | None = None

    @property
    def energy_pj(self) -> float:
        return self.objectives["energy"]

    @property
    def weight_memory_bits(self) -> float:
        return self.objectives["weight_memory"]


@dataclass(frozen=True, slots=True)
class LayerDetail:
    """A layer's best mapping in a detailed design. nest: the mapping as the body of a qdsl `mapping` block; figures: what the
    compute unit reports of the layer beside its cost, by name."""

    name: str
    operator: str
    sizes: tuple[tuple[str, int], ...]
    bits: tuple[tuple[str, int], ...]
    status: str
    mapping: Mapping
    evaluation: Evaluation
    nest: str
    figures: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class PointDetail:
    """A design with its mappings.

    roles: why it is detailed, of 'chosen', 'least energy', 'least weight_memory', 'baseline'; at least one.
    """

    roles: tuple[str, ...]
    point: DesignPoint
    layers: tuple[LayerDetail, ...]


@dataclass(frozen=True, slots=True)
class DeadOption:
    """Bit-widths at which a layer has no legal mapping. bits: (tensor, width) for every tensor of the operator."""

    layer: str
    bits: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """State after a generation of the search.

    evaluations: distinct designs looked at so far; front: size of the archive's front;
    hypervolume: share (0..1) of the box between the bounds on all designs that the front dominates.
    """

    number: int
    evaluations: int
    front: int
    hypervolume: float


@dataclass(frozen=True, slots=True)
class WidthPair:
    """All weights and all activations at one width each. cycles: None where they do not count."""

    weights: int
    activations: int
    energy_pj: float
    cycles: float | None


@dataclass(frozen=True, slots=True)
class ConfigurationResult:
    """One configuration of the searched parameters. values: see qdsl.model.study.Configuration; area_mm2: of what states an
    area, None if nothing does; energies_pj, weight_memory_bits: of the designs on its own front, by ascending energy, none if
    the funnel dropped it; on_front: how many of them are on the front of all; pairs: of uniform widths, as far as they are
    mapped."""

    values: tuple[tuple[str, str], ...]
    area_mm2: float | None
    capacity_bits: int
    units: int
    energies_pj: tuple[float, ...]
    weight_memory_bits: tuple[float, ...]
    on_front: int
    pairs: tuple[WidthPair, ...] = ()


@dataclass(frozen=True, slots=True)
class LevelResult:
    """One abstraction level of a study. configurations, designs: looked at; front: designs not dominated at this level;
    handed_on: of them, to the next level, 0 at the last.

    agreement: Kendall's tau-b between its energies and those of the fine level, over the designs that the fine level looked
    at; None at the fine level and where there are fewer than two.
    """

    level: str
    configurations: int
    designs: int
    front: int
    handed_on: int
    agreement: float | None


@dataclass(frozen=True, slots=True)
class ExactFacts:
    """What an exact search of the study found. points: on its front; epsilon: for every design at all one of them is at most
    1 + epsilon times as large in every objective (a value in dB: its power), 0 for the whole front. candidates: partial sums
    compared. hypervolume: the shares (see Generation) between which that of the whole front lies."""

    points: int
    epsilon: float
    candidates: int
    hypervolume: tuple[float, float]

    def reached(self, hypervolume: float) -> tuple[float, float]:
        """Between which shares (0..1) of the exact front's hypervolume one of another search lies."""
        low, high = self.hypervolume
        return (hypervolume / high if high else 1.0), (min(1.0, hypervolume / low) if low else 1.0)


@dataclass(frozen=True, slots=True)
class AccuracyFacts:
    """How errors were measured. examples: to train on, to choose by, to report on; errors in per cent, of the float network on
    those to choose by and to report on. measured: designs; stopped: those of them whose training ended early; from_store:
    those that an earlier run measured; seconds: of one core, of the others."""

    examples: tuple[int, int, int]
    float_error: float
    float_test_error: float | None
    measured: int
    stopped: int
    from_store: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Counts:
    """distinct_problems: different layers; assignments: (problem, bit-widths) that may occur; classes: those that
    differ in cost (words filled alike cost alike); solved: classes solved in this run; from_store: classes found in
    the store; designs: size of the design space; evaluated: distinct designs the search looked at. possible: what
    `assignments` would be without a funnel; all but `layers` and `distinct_problems` are over all configurations."""

    layers: int
    distinct_problems: int
    assignments: int
    classes: int
    solved: int
    from_store: int
    designs: int
    evaluated: int
    possible: int


@dataclass(frozen=True, slots=True)
class LayerCounts:
    """Layers of one shape with the same choice of bit-widths. mappings: legal ones, one number per entry of `grid.bits`."""

    layers: tuple[str, ...]
    operator: str
    grid: WidthGrid
    mappings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LegalCounts:
    """Exact numbers of mappings, in perfect factors and with all loop orders.

    widths: 'widest' and 'narrowest' (every tensor at that end of its options), the latter only if it differs. legal: at
    these widths under all constraints; free: under none; without: per constraint of the study, under all but this one. All
    three are summed over the layers of the network.
    uncounted: (layer, why) of those that are missing everywhere.
    """

    layers: tuple[LayerCounts, ...]
    widths: tuple[str, ...]
    legal: tuple[int, ...]
    free: tuple[int, ...]
    without: tuple[tuple[int, ...], ...]
    uncounted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EnergySource:
    """Where the energies of a memory, array or compute unit come from. read/write/update: pJ per access of `block_words`
    words; arrays: pJ per bit and hop in read_pj; compute units: pJ per operation there, or the `formula` of the bit-widths;
    the others 0. source None: not stated."""

    name: str
    kind: str  # 'memory', 'array' or 'compute'
    block_words: int
    word_bits: int
    read_pj: float
    write_pj: float
    update_pj: float
    source: str | None
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How to get the same numbers again. files: (path, sha256 of its text), the study's file first."""

    qdsl: str
    python: str
    libraries: tuple[tuple[str, str], ...]
    seed: int
    command: str
    files: tuple[tuple[str, str], ...]
    energy_sources: tuple[EnergySource, ...]


@dataclass(frozen=True)
class StudyRun:
    """A finished (or interrupted) study.

    front: non-dominated designs of all that were evaluated, ascending energy, at least one. Of an exact search that found
    more than REPORTED these are spread evenly over its front; all are in FRONT_FILE.
    chosen: index into `front` by `chosen_rule`. baseline: every variable at its widest option, None if that has no
    legal mapping. references: uniform widths, narrowest first, where legal. details: the chosen point first.
    explored: values of the study's objectives, in their order, of every distinct design evaluated. timings: seconds
    by phase. legal: how many mappings there are. exact: of the exact search, or what an inexact one is held against; None if
    an objective does not add up, parameters are searched, or rough levels chose the designs. complete: False when the run was
    interrupted.

    Where parameters are searched, `front` and `explored` are over all configurations; `study` is at the configuration of the
    chosen design, and so are baseline, references, dead, history and legal. configurations: one for each, () if no parameter
    is searched. levels: in order, 'fine' alone without a funnel.
    """

    study: Study
    front: tuple[DesignPoint, ...]
    chosen: int
    chosen_rule: str
    baseline: DesignPoint | None
    references: tuple[DesignPoint, ...]
    details: tuple[PointDetail, ...]
    dead: tuple[DeadOption, ...]
    history: tuple[Generation, ...]
    explored: tuple[tuple[float, ...], ...]
    counts: Counts
    legal: LegalCounts
    timings: tuple[tuple[str, float], ...]
    provenance: Provenance
    complete: bool
    configurations: tuple[ConfigurationResult, ...]
    levels: tuple[LevelResult, ...]
    exact: ExactFacts | None = None
    accuracy: AccuracyFacts | None = None

    @property
    def chosen_point(self) -> DesignPoint:
        return self.front[self.chosen]

    def detail(self, role: str) -> PointDetail | None:
        """The detailed design with a role (see PointDetail), None if there is none."""
        return next((d for d in self.details if role in d.roles), None)
