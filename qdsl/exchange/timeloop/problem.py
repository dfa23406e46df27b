"""Problems: a shape (dimensions and how they index the tensors) and an instance of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qdsl.diagnostics import Sink, Span
from qdsl.exchange.timeloop.components import left_out
from qdsl.exchange.yaml import Node, no_meaning, wrong

# One axis of a tensor: (dimension, coefficient or '') summed up.
Axis = tuple[tuple[str, str], ...]

_WIDTHS = ("bitwidths", "datawidths", "wordwidths")
_COMMON_WIDTH = ("commonBitwidth", "commonDatawidth", "commonWordwidth")
_DENSITIES = ("densities", "commonDensity")


@dataclass(frozen=True)
class DataSpace:
    name: str
    axes: tuple[Axis, ...]
    is_output: bool = False


@dataclass(frozen=True)
class Problem:
    """name: of the shape. coefficients: name and value. bits: of the tensors whose width is stated."""

    name: str
    span: Span
    dims: tuple[str, ...]
    tensors: tuple[DataSpace, ...]
    sizes: dict[str, int]
    coefficients: dict[str, int]
    bits: dict[str, int]

    @property
    def output(self) -> DataSpace:
        return next(t for t in self.tensors if t.is_output)


def _sliding(step: str, dilation: str, output: str, window: str) -> Axis:
    return ((output, step), (window, dilation))


# The shape that Timeloop calls `cnn-layer`, and takes where a problem names none.
_CNN_LAYER = (
    ("R", "S", "P", "Q", "C", "K", "N"),
    (
        DataSpace("Weights", ((("C", ""),), (("K", ""),), (("R", ""),), (("S", ""),))),
        DataSpace(
            "Inputs",
            (
                (("N", ""),),
                (("C", ""),),
                _sliding("Wstride", "Wdilation", "P", "R"),
                _sliding("Hstride", "Hdilation", "Q", "S"),
            ),
        ),
        DataSpace("Outputs", ((("N", ""),), (("K", ""),), (("Q", ""),), (("P", ""),)), is_output=True),
    ),
    {"Wstride": 1, "Hstride": 1, "Wdilation": 1, "Hdilation": 1},
)


def read_problem(node: Node, sink: Sink) -> Problem:
    """Raises SpecError where it cannot be read, or counts what does not exist here (densities of values)."""
    shape = node.get("shape")
    name, dims, tensors, coefficients = _shape(shape)
    instance = node.get("instance") or node
    known = {*dims, *coefficients, "shape", "instance", "version", "name", *_WIDTHS, *_COMMON_WIDTH}
    for place in {id(node): node, id(instance): instance}.values():
        for key, at, value in place.entries():
            if key in _DENSITIES:
                _dense(value)
            elif key not in known:
                left_out(sink, at, f"`{key}`", f"shape `{name}` has no dimension or coefficient of this name")
    sizes = {d: instance.need(d).whole() for d in dims}
    given = {c: instance.need(c).whole() if instance.get(c) else default for c, default in coefficients.items()}
    bits = {**_bits(node, tensors), **_bits(instance, tensors)}
    return Problem(name, node.span, dims, tensors, sizes, given, bits)


def _shape(node: Node | None) -> tuple[str, tuple[str, ...], tuple[DataSpace, ...], dict[str, int]]:
    if node is None or node.text is not None:
        if node is not None and node.string().removesuffix(".yaml") != "cnn-layer":
            wrong(node.span, f"shape `{node.text}` is in a file of Timeloop's", helps=("write the shape in its place",))
        return "cnn_layer", *_CNN_LAYER
    dims = _names(node.need("dimensions"))
    listed = node.get("coefficients")
    coefficients = {
        c.need("name").string(): c.need("default").whole() if c.get("default") else 1
        for c in (listed.sequence() if listed is not None else ())
    }
    tensors = tuple(_tensor(t, dims, coefficients) for t in node.need("data_spaces").sequence())
    if sum(t.is_output for t in tensors) != 1:
        wrong(node.need("data_spaces").span, "a problem writes one tensor", helps=("`read-write: True` marks it",))
    title = node.get("name")
    return title.string() if title is not None else "problem", dims, tensors, coefficients


def _tensor(node: Node, dims: tuple[str, ...], coefficients: dict[str, int]) -> DataSpace:
    projection = node.need("projection")
    if projection.text is not None:
        no_meaning(projection.span, "a projection in words", "write it as a list of axes")
    axes = tuple(_axis(a, dims, coefficients) for a in projection.sequence())
    written = node.get("read_write")
    return DataSpace(node.need("name").string(), axes, written is not None and written.string().lower() == "true")


def _axis(node: Node, dims: tuple[str, ...], coefficients: dict[str, int]) -> Axis:
    terms = tuple(_terms(node, dims, coefficients))
    if len({d for d, _ in terms}) < len(terms):
        no_meaning(node.span, "a dimension twice in one axis")
    return terms


def _terms(node: Node, dims: tuple[str, ...], coefficients: dict[str, int]) -> Iterator[tuple[str, str]]:
    for term in node.sequence():
        names = [x.string() for x in term.sequence()]
        if len(names) not in (1, 2) or names[0] not in dims or (names[1:] and names[1] not in coefficients):
            wrong(term.span, "a term is a dimension, or a dimension and a coefficient", notes=(f"it says {names}",))
        yield names[0], names[1] if names[1:] else ""


def _names(node: Node) -> tuple[str, ...]:
    names = tuple(n.string() for n in node.sequence())
    if len({n.upper() for n in names}) < len(names):
        wrong(node.span, "two dimensions differ by capitals only, which are one name here")
    return names


def _bits(node: Node, tensors: tuple[DataSpace, ...]) -> dict[str, int]:
    """Widths that the mixed-quantization fork of Timeloop reads."""
    if (common := node.get(*_COMMON_WIDTH)) is not None:
        return {t.name: common.whole() for t in tensors}
    widths = node.get(*_WIDTHS)
    names = {t.name for t in tensors}
    found = {}
    for key, at, value in widths.entries() if widths is not None else ():
        if key not in names:
            wrong(at, f"there is no tensor `{key}`", helps=(f"there are: {', '.join(sorted(names))}",))
        found[key] = value.whole()
    return found


def _dense(node: Node) -> None:
    """Raises SpecError unless all values are there."""
    values = [v for _, _, v in node.entries()] if node.is_map else [node]
    for value in values:
        if value.text is None or value.number() != 1:
            no_meaning(value.span, "a density below 1", "every value is stored and computed with")
