"""Nodes that slide a window: convolutions and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qdsl.importers.builder import Builder, dims_of, twins
from qdsl.importers.graph import Axis, Read, Term, View, plain
from qdsl.importers.onnx_file import Node
from qdsl.importers.sizes import Dim, NotExpressible, regroup

_PLANE, _WINDOW = "PQU", "RSV"  # letters of output and window, axis by axis


@dataclass(frozen=True)
class _Slides:
    """The windows of a node. rest: axes without one, which a kernel of 1 reads."""

    index: dict[Dim, Axis]
    outputs: tuple[Dim, ...]
    windows: tuple[Dim, ...]
    parameters: dict[str, int]
    padding: dict[Dim, int]


def conv(b: Builder, node: Node) -> None:
    """Conv, and depthwise and grouped ones."""
    view, weights = b.view(node), b.constant(node, 1)
    if weights is None:
        raise NotExpressible("its weights are computed from the input")
    axes, shape, groups = view.axes(), b.shape(node.inputs[1]), node.attributes.get("group", 1)
    slides = _slides(b, node, view, axes, shape[2:], dilates=True)
    batch = twins(axes[0], "N")
    written = list(b.shape(node.outputs[0]))[1]
    if groups == 1:
        grouped, channels = {}, twins(axes[1], "C")
        made = [Dim.of(written, "K")]
        name = "conv"
    elif groups == view.shape[1]:
        grouped, channels = twins(axes[1], "C"), {}
        made = [Dim.of(written // groups, "M")] if written > groups else []
        name = "depthwise"
    else:
        split = regroup(axes[1], (groups, view.shape[1] // groups))
        grouped, channels = twins(split[0], "G"), twins(split[1], "C")
        made = [Dim.of(written // groups, "K")]
        name = "grouped_conv"
    output = [*dims_of(batch), *dims_of(grouped), *made, *slides.outputs]
    dims = [*dims_of(batch), *dims_of(grouped), *made, *dims_of(channels), *slides.outputs, *slides.windows]
    b.layer(
        node,
        _name(name, slides),
        dims,
        [Read(view.source, {**batch, **grouped, **channels, **slides.index}, view.bits)],
        plain(output),
        weights=plain([*dims_of(grouped), *made, *dims_of(channels), *slides.windows]),
        combined="+=",
        parameters=slides.parameters,
        padding=slides.padding,
        stored=weights,
    )


def conv_transposed(b: Builder, node: Node) -> None:
    """ConvTranspose, of which nothing is cropped: every input value is scattered over a window of outputs."""
    view, weights = b.view(node), b.constant(node, 1)
    if weights is None or node.attributes.get("group", 1) != 1:
        raise NotExpressible("its weights are computed from the input, or in groups")
    axes, shape = view.axes(), b.shape(node.inputs[1])
    n = len(shape) - 2
    strides, dilations = (node.attributes.get(name, [1] * n) for name in ("strides", "dilations"))
    batch, channels, made = twins(axes[0], "N"), twins(axes[1], "C"), Dim.of(shape[1], "K")
    index = {**batch, **channels}
    parameters: dict[str, int] = {}
    outputs: list[Axis] = []
    for i in range(n):
        dim = _one(axes[i + 2])
        if dim is None:
            raise NotExpressible("it enlarges an axis of one value")
        dim.fix()
        p, r = dim.twin(_PLANE[i]), Dim.of(shape[i + 2], _WINDOW[i], rigid=True)
        index.update(twins((d for d in axes[i + 2] if d is not dim), "U"))
        index[dim] = (Term(p),)
        stride, dilation = _parameter("stride", i, strides), _parameter("dilation", i, dilations)
        parameters |= {stride: strides[i], dilation: dilations[i]}
        outputs.append((Term(p, stride), Term(r, dilation)))
    windows = [axis[1].dim for axis in outputs]
    b.layer(
        node,
        f"conv_transposed{n}d",
        [*dims_of(batch), made, *(d for d in dims_of(index) if d not in dims_of(batch)), *windows],
        [Read(view.source, index, view.bits)],
        [*plain([*dims_of(batch), made]), *outputs],
        weights=plain([made, *dims_of(channels), *windows]),
        combined="+=",
        parameters=dict(sorted(parameters.items(), reverse=True)),
        stored=weights,
    )


def pool(b: Builder, node: Node) -> None:
    """MaxPool and AveragePool."""
    view = b.view(node)
    axes = view.axes()
    slides = _slides(b, node, view, axes, node.attributes["kernel_shape"])
    kept = twins([*axes[0], *axes[1]], "N")
    for dim in axes[1]:
        kept[dim] = (Term(dim.twin("C")),)
    b.layer(
        node,
        f"{'max_' if node.op == 'MaxPool' else ''}pool{len(slides.outputs)}d",
        [*dims_of(kept), *slides.outputs, *slides.windows],
        [Read(view.source, {**kept, **slides.index}, view.bits)],
        plain([*dims_of(kept), *slides.outputs]),
        combined="max=" if node.op == "MaxPool" else "+=",
        parameters=slides.parameters,
        padding=slides.padding,
    )


def _name(base: str, slides: _Slides) -> str:
    if not slides.outputs:
        return {"conv": "linear"}.get(base, base)
    return base if base == "depthwise" and len(slides.outputs) == 2 else f"{base}{len(slides.outputs)}d"


def _slides(
    b: Builder, node: Node, view: View, axes: Sequence[tuple[Dim, ...]], kernel: Sequence[int], dilates: bool = False
) -> _Slides:
    """One window per axis behind the channels; axes of one value under a kernel of 1 need none."""
    n = len(kernel)
    strides = node.attributes.get("strides", [1] * n)
    dilations = node.attributes.get("dilations", [1] * n)
    written = b.shape(node.outputs[0])[2:]
    begins = node.attributes.get("pads", [0] * n)
    dilated = dilates or any(d != 1 for d in dilations)
    index: dict[Dim, Axis] = {}
    padding: dict[Dim, int] = {}
    outputs, windows, moving = [], [], []
    for i in range(n):
        dim = _one(axes[i + 2])
        if dim is None and kernel[i] == 1:
            continue
        if dim is None:
            raise NotExpressible(f"a window of {kernel[i]} slides over an axis of one value")
        index.update(twins((d for d in axes[i + 2] if d is not dim), "U"))
        dim.fix()
        p, r = Dim.of(written[i], _PLANE[i], rigid=True), Dim.of(kernel[i], _WINDOW[i], rigid=True)
        steps = _parameter("dilation", i, dilations) if dilated else ""
        index[dim] = (Term(p, _parameter("stride", i, strides)), Term(r, steps))
        outputs.append(p)
        windows.append(r)
        moving.append(i)
        span = 1 + dilations[i] * (kernel[i] - 1)
        padding[p] = 0 if b.listed else _padding(view.shape[i + 2], written[i], span, strides[i], begins[i])
    parameters = {_parameter("stride", i, strides): strides[i] for i in moving}
    if dilated:
        parameters |= {_parameter("dilation", i, dilations): dilations[i] for i in moving}
    return _Slides(index, tuple(outputs), tuple(windows), parameters, padding)


def _one(dims: Sequence[Dim]) -> Dim | None:
    """The one dimension of an axis, sizes of 1 aside."""
    larger = [d for d in dims if d.size > 1]
    if len(larger) > 1:
        raise NotExpressible("a window slides over an axis that a reshape joined")
    return next(iter(larger or dims), None)


def _parameter(name: str, axis: int, values: Sequence[int]) -> str:
    """One parameter for all axes if they agree, else one each."""
    return name if len(set(values)) == 1 else f"{name}_{_PLANE[axis].lower()}"


def _padding(extent: int, output: int, span: int, stride: int, begin: int) -> int:
    """Zeros on each side that give an axis its extent. What a padding has beyond the last window is not counted, so that
    one on a single side is the same."""
    tried: list[int] = [begin, *range(span)]
    for pad in tried:
        if (extent + 2 * pad - span) // stride + 1 == output:
            return pad
    raise NotExpressible(f"no padding of an axis of {extent} gives {output} windows of {span}")
