"""Bit-widths of a study's network found by training it: by gradients, per channel or per layer, or by densities of activations.

Each design is a network of its own, without its pruned channels and with a layer per width, so each gets a study of its own,
whose mappings are solved as those of any study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapper import best_mapping
from qdsl.model.accuracy import Accuracy
from qdsl.model.check_precision import precision_space
from qdsl.model.network import Network
from qdsl.model.study import Search, Study
from qdsl.quant.channelwise import Cost, Found, SearchSettings, search
from qdsl.quant.checkpoint import load_weights
from qdsl.quant.compact import Compact
from qdsl.quant.costs import ModelCost, SizeCost
from qdsl.quant.data import load
from qdsl.quant.density import DensityRun, DensitySettings, train
from qdsl.quant.network import whole_layers
from qdsl.quant.soft import Choices
from qdsl.quant.training import Trainer, Weights
from qdsl.study.progress import Silent
from qdsl.study.store import Store
from qdsl.study.tables import build_tables, layer_bits

METHODS = ("channelwise", "layerwise", "density")
REGULARISERS = ("size", "energy", "latency")
STORE_FILE = "store.sqlite"


@dataclass(frozen=True)
class Settings:
    """method: of METHODS; density gives one design, the others one per strength. strengths: of the regulariser, relative to its
    value at the widest widths. epochs: of the search, or of the whole training by density. prune: channels may go."""

    method: str = "channelwise"
    strengths: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0)
    regulariser: str = "size"
    epochs: int = 10
    prune: bool = False


@dataclass(frozen=True)
class QuantisedDesign:
    """study: that of the design, whose widths are all given. errors in per cent, as `Measured` has them. strength: None by
    density. complexity: of the training, relative to one with the first widths; None by gradients. on_front: whether no other
    design has less energy, less weight memory and less error."""

    study: Study
    strength: float | None
    energy_pj: float
    weight_memory_bits: int
    error: float
    test_error: float
    mean_bits: float
    complexity: float | None
    on_front: bool = True


@dataclass(frozen=True)
class QuantisedRun:
    """float_error, float_test_error: of the network without quantisation."""

    study: Study
    settings: Settings
    float_error: float
    float_test_error: float
    designs: tuple[QuantisedDesign, ...]


def quantise(
    study: Study,
    settings: Settings,
    out_dir: Path,
    workers: int | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> QuantisedRun:
    """Trains the network, finds designs and solves their mappings; the store is in `out_dir`. told: what is being done.

    Raises SpecError for a study that cannot be quantised so, for data that cannot be read and for layers without a mapping.
    """
    accuracy = _supported(study)
    network = whole_layers(study.network)
    shape = next(a.shape[1:] for a in network.activations if a.is_input)
    trainer = Trainer(network, accuracy, load(accuracy.data, shape))
    told("training the network without quantisation")
    weights = _float_weights(trainer)
    plain = trainer.measure(weights, None)
    designs: list[QuantisedDesign] = []
    with Store(out_dir / STORE_FILE) as store:
        for found in _found(study, settings, trainer, weights, told):
            told("mapping its layers")
            designs.append(_design(study, found, len(designs) + 1, store, workers))
    assert plain.test_error is not None
    return QuantisedRun(study, settings, plain.error, plain.test_error, front_of(designs))


def _float_weights(trainer: Trainer) -> Weights:
    given = trainer.accuracy.weights
    return load_weights(Path(given), trainer.network) if given else trainer.float_weights()


def front_of(designs: Sequence[QuantisedDesign]) -> tuple[QuantisedDesign, ...]:
    """The designs with `on_front` set, by ascending weight memory."""

    def costs(d: QuantisedDesign) -> tuple[float, ...]:
        return d.energy_pj, d.weight_memory_bits, d.error

    def beaten(d: QuantisedDesign) -> bool:
        others = [costs(o) for o in designs if costs(o) != costs(d)]
        return any(all(a <= b for a, b in zip(other, costs(d), strict=True)) for other in others)

    ordered = sorted(designs, key=lambda d: (d.weight_memory_bits, d.energy_pj))
    return tuple(replace(d, on_front=not beaten(d)) for d in ordered)


@dataclass(frozen=True)
class _Trained:
    """A design before it is mapped."""

    compact: Compact
    error: float
    test_error: float
    strength: float | None = None
    complexity: float | None = None


def _found(
    study: Study, settings: Settings, trainer: Trainer, weights: Weights, told: Callable[[str], None]
) -> Iterator[_Trained]:
    options = {role: widths_of(study, role) for role in ("weights", "activations")}
    if settings.method == "density":
        widths = sorted({*options["weights"], *options["activations"]})
        limits = DensitySettings(settings.epochs, start=widths[-1], least=widths[0], prune=settings.prune)
        told(f"training by density from {widths[-1]} bits on")
        yield _of_density(train(trainer, limits))
        return
    choices = Choices(
        (*((0,) if settings.prune else ()), *options["weights"]),
        options["activations"],
        "channel" if settings.method == "channelwise" else "layer",
        input_bits=options["activations"][-1],
        output_bits=study.precision.output_bits,
    )
    cost = _cost(study, trainer.network, choices, settings.regulariser)
    for strength in settings.strengths:
        told(f"searching widths, strength {strength:g}")
        found = search(trainer, weights, choices, cost, strength, SearchSettings(settings.epochs))
        yield _of_gradients(found)


def _of_gradients(found: Found) -> _Trained:
    error, test_error = found.measured.error, found.measured.test_error
    assert test_error is not None
    return _Trained(found.compact, error, test_error, strength=found.strength)


def _of_density(run: DensityRun) -> _Trained:
    compact = Compact(run.network, run.weights, run.widths)
    return _Trained(compact, run.error, run.test_error, complexity=run.complexity)


def _design(study: Study, found: _Trained, number: int, store: Store, workers: int | None) -> QuantisedDesign:
    """Solves the mappings of a design."""
    network = found.compact.split
    bits = found.compact.bits
    space = precision_space(network, bits, study.precision.output_bits)
    own = replace(
        study,
        name=f"{study.name}_{number}",
        network=network,
        precision=space,
        objectives=tuple(o for o in study.objectives if o not in ("error", "sensitivity")) or ("energy",),
        search=Search(method="exact"),
        accuracy=None,
        largest_error=None,
    )
    tables = build_tables(own, store, Silent(), workers)
    chosen = layer_bits(own, tuple(v.options[0] for v in space.variables))
    energy = sum(tables.optimum(x.problem, chosen[x.name]).energy_pj for x in network.layers)
    return QuantisedDesign(
        own,
        found.strength,
        energy,
        found.compact.size_bits,
        found.error,
        found.test_error,
        found.compact.size_bits / found.compact.values,
        found.complexity,
    )


def _cost(study: Study, network: Network, choices: Choices, regulariser: str) -> Cost:
    if regulariser == "size":
        return SizeCost(network)
    mappings = {}
    for x in network.layers:
        bits = {t.name: choices.widest(network, x, t) for t in x.problem.operator.tensors}
        found = best_mapping(study.accelerator, x.problem, bits, study.constraints)
        if found.mapping is None:
            text = f"layer `{x.name}` has no legal mapping at its widest widths, from which the regulariser starts"
            raise SpecError([Diagnostic("Q0701", text, x.span, helps=("leave out the widest widths",))])
        mappings[x.name] = found.mapping
    return ModelCost(network, study.accelerator, mappings, choices, regulariser)


def widths_of(study: Study, role: str) -> tuple[int, ...]:
    """The widths that weights or activations of most layers may have."""
    found = [v.options for v in study.precision.variables if v.role == role]
    return max(found, key=lambda options: (len(options), options))


def _supported(study: Study) -> Accuracy:
    """How the study trains. Raises SpecError where its designs could not be found or mapped."""
    refused = None
    if study.accuracy is None or study.accuracy.method != "train":
        refused = ("it does not say how networks are trained", "add `accuracy train(...) on digits`")
    elif study.hardware:
        refused = ("it searches parameters of the accelerator", "give their values in `map ... onto`")
    elif any(c.scope.problems is not None for c in study.constraints):
        refused = ("it constrains single layers, which are split here", "constrain operators, or all layers")
    if refused:
        text = f"study `{study.name}` cannot be quantised: {refused[0]}"
        raise SpecError([Diagnostic("Q0823", text, study.span, helps=(refused[1],))])
    assert study.accuracy is not None
    return study.accuracy
