"""ONNX files as plain nodes with shapes; the library `onnx` reads them and infers the shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.diagnostics.extras import not_installed
from qdsl.importers.errors import not_readable
from qdsl.importers.folding import fold_shapes

if TYPE_CHECKING:
    import numpy as np
    import onnx

# Of QONNX: they keep the shape of their first input, which shape inference must know.
QUANTIZERS = ("Quant", "IntQuant", "BipolarQuant", "FloatQuant", "Trunc")

_LARGE = 4096  # values; what decides a shape or an axis has less


@dataclass(frozen=True)
class Node:
    """index: its position in the graph. scope: the modules of PyTorch that it comes from, '' if that is not known."""

    index: int
    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    scope: str = ""

    def __str__(self) -> str:
        return f"node {self.index} {self.name} ({self.op})" if self.name else f"node {self.index} ({self.op})"


@dataclass(frozen=True)
class OnnxGraph:
    """shapes: of every value that has a known one. bits: of the element types of integers. constants: what is stored."""

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shapes: Mapping[str, tuple[int, ...]]
    bits: Mapping[str, int]
    constants: Mapping[str, onnx.TensorProto]
    remarks: tuple[str, ...]
    directory: Path = field(default=Path())

    def value(self, name: str) -> np.ndarray[Any, Any] | None:
        """The stored value of a constant, None if there is none. Raises SpecError if its file is missing."""
        if name not in self.constants:
            return None
        from onnx import numpy_helper
        from onnx.checker import ValidationError

        try:
            return numpy_helper.to_array(self.constants[name], str(self.directory))
        except (OSError, ValueError, ValidationError) as error:
            raise not_readable(name, f"its data cannot be read: {error}") from None


def read_onnx(path: Path, sizes: Mapping[str, tuple[int, ...]]) -> OnnxGraph:
    """The graph of a file. sizes: shapes of inputs, where the file leaves them open.

    Raises SpecError for a file that cannot be read (Q0970), and if `onnx` is not installed (Q0960).
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ModuleNotFoundError as error:
        raise not_installed(error, "onnx", "importing ONNX") from None
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise not_readable(str(path), str(error.strerror)) from None
    except DecodeError:
        raise not_readable(str(path), "it is not ONNX, or cut off") from None
    if not model.graph.node:
        raise not_readable(str(path), "it is not ONNX, or has no nodes")
    return graph_of(model, str(path), path.parent, sizes)


def graph_of(model: onnx.ModelProto, source: str, directory: Path, sizes: Mapping[str, tuple[int, ...]]) -> OnnxGraph:
    """The graph of a model. Raises SpecError (Q0970) for shapes that stay open or contradict each other."""
    import onnx
    from onnx import inliner

    if model.functions:
        model = inliner.inline_local_functions(model)
    _check_nodes(model, source)
    remarks = _fix_inputs(model, source, sizes)
    quantizers = {i: n.op_type for i, n in enumerate(model.graph.node) if n.op_type in QUANTIZERS}
    nodes = tuple(_node(i, n) for i, n in enumerate(model.graph.node))
    for i in quantizers:
        node = model.graph.node[i]
        node.op_type, node.domain = "Identity", ""
        del node.input[1:], node.attribute[:]
    del model.graph.value_info[:]
    for tensor in model.graph.initializer:
        if prod(tensor.dims) > _LARGE:
            tensor.ClearField("raw_data")  # shapes do not depend on weights, of which a model may have gigabytes
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        while fold_shapes(inferred):
            inferred = onnx.shape_inference.infer_shapes(inferred, data_prop=True)
    except Exception as error:
        raise not_readable(source, str(error)) from None
    return _graph(inferred, nodes, remarks, directory)


def _check_nodes(model: onnx.ModelProto, source: str) -> None:
    """Raises SpecError (Q0970) for a node without what its operator needs, or that reads what no node before it writes.

    Operators that ONNX does not know are left to the importer, which names them.
    """
    from onnx import checker, defs

    context = checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {o.domain: o.version for o in model.opset_import}
    known = {"", *(t.name for t in model.graph.initializer), *(i.name for i in model.graph.input)}
    for i, node in enumerate(model.graph.node):
        if missing := [n for n in node.input if n not in known]:
            raise not_readable(source, f"{_node(i, node)} reads `{missing[0]}`, which nothing before it writes")
        known.update(node.output)
        try:
            if defs.has(node.op_type, node.domain):
                checker.check_node(node, context)
        except (checker.ValidationError, TypeError, UnicodeDecodeError) as error:  # names may be no text
            raise not_readable(source, f"{_node(i, node)} is not well formed: {str(error).splitlines()[0]}") from None


def _graph(model: onnx.ModelProto, nodes: tuple[Node, ...], remarks: tuple[str, ...], directory: Path) -> OnnxGraph:
    graph = model.graph
    constants = {t.name: t for t in graph.initializer}
    for n in graph.node:
        for a in n.attribute if n.op_type == "Constant" else ():
            constants[n.output[0]] = _stored(a)
    shapes = {name: tuple(t.dims) for name, t in constants.items()}
    bits = {name: _bits(t.data_type) for name, t in constants.items()}
    for info in (*graph.input, *graph.value_info, *graph.output):
        tensor = info.type.tensor_type
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
            shapes[info.name] = tuple(d.dim_value for d in tensor.shape.dim)
        bits[info.name] = _bits(tensor.elem_type)
    return OnnxGraph(
        graph.name,
        nodes,
        tuple(i.name for i in graph.input if i.name not in constants),
        tuple(o.name for o in graph.output),
        shapes,
        {name: width for name, width in bits.items() if width},
        constants,
        remarks,
        directory,
    )


def _stored(attribute: onnx.AttributeProto) -> onnx.TensorProto:
    """The tensor of a Constant, which may be written as numbers."""
    import numpy as np
    from onnx import helper, numpy_helper

    value = helper.get_attribute_value(attribute)
    return attribute.t if attribute.name == "value" else numpy_helper.from_array(np.asarray(value))


def _bits(element_type: int) -> int:
    """The width of an integer type, 0 for others. UINT8, INT4 and their like."""
    import onnx

    name = onnx.TensorProto.DataType.Name(element_type)
    digits = name.removeprefix("U").removeprefix("INT")
    return int(digits) if digits.isdecimal() else 0


def _node(index: int, node: onnx.NodeProto) -> Node:
    from onnx import helper

    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    scope = next((p.value for p in node.metadata_props if p.key == "namespace"), "")
    return Node(index, node.name, node.op_type, tuple(node.input), tuple(node.output), attributes, scope)


def _fix_inputs(model: onnx.ModelProto, source: str, sizes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Gives every input its shape; an open first axis, the batch, is 1. Raises SpecError (Q0970) for other open axes."""
    stored = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in stored]
    if unknown := set(sizes) - {i.name for i in inputs}:
        names = ", ".join(f"`{i.name}`" for i in inputs)
        raise not_readable(source, f"it has no input `{min(unknown)}`, but {names}")
    remarks = []
    for item in inputs:
        shape = item.type.tensor_type.shape
        if not item.type.tensor_type.HasField("shape") and item.name not in sizes:
            raise not_readable(
                source, f"its input `{item.name}` has no shape", f"give it: --shape {item.name}=1x3x224x224"
            )
        if given := sizes.get(item.name):
            del shape.dim[:]
            for n in given:
                shape.dim.add().dim_value = n
        for axis, dim in enumerate(shape.dim):
            if dim.HasField("dim_value") and dim.dim_value > 0:
                continue
            if axis:
                help_ = f"give it: --shape {item.name}=1x3x224x224"
                raise not_readable(source, f"axis {axis} of its input `{item.name}` has no size", help_)
            dim.dim_value = 1
            remarks.append(f"The batch of `{item.name}` is open and taken as 1.")
    for item in model.graph.output:
        item.type.tensor_type.ClearField("shape")
    return tuple(remarks)
