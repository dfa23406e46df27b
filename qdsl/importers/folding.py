"""Shapes that a graph computes, computed: exporters write the sizes of an activation as nodes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx

_MOST = 64  # values of what may be a shape, or a part of one


def fold_shapes(model: onnx.ModelProto) -> bool:
    """Makes constants of the nodes that compute small values from constants and known shapes, in place, each where it
    stands; whether there are any. The model's shapes must have been inferred as far as possible."""
    from onnx import helper, numpy_helper

    shapes = _shapes(model)
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if _is_small(t)}
    folded = False
    for node in model.graph.node:
        if node.op_type == "Constant":
            made = helper.get_attribute_value(node.attribute[0])
            if node.attribute[0].name == "value" and _is_small(made):
                values[node.output[0]] = numpy_helper.to_array(made)
            continue
        known = node.op_type == "Shape" and node.input[0] in shapes
        if len(node.output) != 1 or not (known or (node.input and all(n in values for n in node.input if n))):
            continue
        found = _shape_of(node, shapes[node.input[0]]) if known else _run(node, values, model)
        if found is None or found.ndim > 1 or found.size > _MOST:
            continue
        values[node.output[0]] = found
        tensor = numpy_helper.from_array(found)
        node.op_type, node.domain = "Constant", ""
        del node.input[:], node.attribute[:]
        node.attribute.append(helper.make_attribute("value", tensor))
        folded = True
    return folded


def _is_small(tensor: onnx.TensorProto) -> bool:
    return prod(tensor.dims) <= _MOST and not tensor.external_data


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    found = {t.name: tuple(t.dims) for t in model.graph.initializer}
    for info in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        tensor = info.type.tensor_type
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
            found[info.name] = tuple(d.dim_value for d in tensor.shape.dim)
    return found


def _shape_of(node: onnx.NodeProto, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    import numpy as np

    bounds = {a.name: a.i for a in node.attribute}
    return np.array(shape[bounds.get("start", 0) : bounds.get("end", len(shape))], dtype=np.int64)


def _run(
    node: onnx.NodeProto, values: dict[str, np.ndarray[Any, Any]], model: onnx.ModelProto
) -> np.ndarray[Any, Any] | None:
    """What a node makes of constants, by ONNX's own definition; None if that cannot say."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    used = {n: values[n] for n in node.input if n}
    graph = helper.make_graph(
        [node],
        "one",
        [],
        [helper.make_empty_tensor_value_info(node.output[0])],
        [numpy_helper.from_array(v, n) for n, v in used.items()],
    )
    try:
        evaluator = ReferenceEvaluator(helper.make_model(graph, opset_imports=model.opset_import))
        (found,) = evaluator.run(None, {})
    except Exception:
        return None
    import numpy as np

    return np.asarray(found)
