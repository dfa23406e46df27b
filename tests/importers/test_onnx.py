"""What single nodes of ONNX become, and what files that are no networks are answered."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper, parser

import qdsl
from qdsl.cli import main
from qdsl.importers import Import, import_network
from qdsl.model.network import Network

Write = Callable[..., Path]
HEAD = '<ir_version: 9, opset_import: ["" : 20, "qonnx.custom_op.general" : 1]>\n'
IMAGE = "image (float[1,8,16,16] image) => (float[N,C,H,W] out)"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a model in ONNX's text form, with weights of the given shapes; gives its path."""

    def made(text: str, **weights: tuple[int, ...] | np.ndarray) -> Path:
        model = parser.parse_model(HEAD + text)
        for name, w in weights.items():
            value = w if isinstance(w, np.ndarray) else np.zeros(w, np.float32)
            model.graph.initializer.append(numpy_helper.from_array(value, name))
        path = tmp_path / "net.onnx"
        onnx.save(model, path)
        return path

    return made


def imported(path: Path, layers: bool = False) -> tuple[Import, Network]:
    made = import_network(str(path), layers=layers)
    return made, qdsl.loads(made.text).network("net")


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    return {a.name: a.shape for a in network.activations}


def test_grouped_convolutions_are_split_into_their_groups(write: Write) -> None:
    path = write(
        f"{IMAGE} {{ a = Conv(image, v) out = Conv<group = 4>(a, w) }}".replace("image (", "net (", 1),
        v=(12, 8, 1, 1),
        w=(20, 3, 3, 3),
    )
    made, network = imported(path)
    assert (
        "O[n, g, k, p, q] += I[n, g, c, stride*p + dilation*r, stride*q + dilation*s] * W[g, k, c, r, s]" in made.text
    )
    assert shapes(network) == {"image": (1, 8, 16, 16), "conv": (1, 4, 3, 16, 16), "conv_2": (1, 4, 5, 14, 14)}
    assert network.layers[1].problem.operations == 20 * 14 * 14 * 3 * 9


def test_padding_on_one_side_is_the_padding_with_the_same_sizes(write: Write) -> None:
    path = write(
        'net (float[1,3,16,16] x) => (float[N,C,H,W] out) { out = Conv<auto_pad = "SAME_UPPER", strides = [2,2]>(x, w) }',
        w=(4, 3, 3, 3),
    )
    made, network = imported(path)
    assert "stride = 2, pad = 1" in made.text
    assert network.layers[0].problem.shape(network.layers[0].problem.operator.inputs[0]) == (1, 3, 17, 17)


def test_axes_with_other_strides_and_one_dimensional_windows(write: Write) -> None:
    path = write(
        """net (float[1,3,16,20] x) => (float[N,C,H,W] out) {
             a = Conv<strides = [2,1], dilations = [1,2]>(x, w)
             b = Reshape(a, s)
             out = Conv<kernel_shape = [5]>(b, v)
        }""",
        w=(4, 3, 3, 3),
        s=np.array([1, 28, 16]),
        v=(6, 28, 5),
    )
    made, network = imported(path)
    assert "stride_p*p + dilation_p*r, stride_q*q + dilation_q*s" in made.text
    assert shapes(network)["conv"] == (1, 4, 7, 16) and shapes(network)["conv_2"] == (1, 6, 12)


def test_padding_may_differ_between_axes_but_not_by_more_than_the_window(write: Write) -> None:
    text = "net (float[1,3,16,16] x) => (float[N,C,H,W] out) { out = Conv<pads = [0,3,0,3]>(x, w) }"
    made, network = imported(write(text, w=(4, 3, 1, 7)))
    assert "conv = conv2d(x, K = 4, R = 1, S = 7, pad_Q = 3)" in made.text
    assert network.layers[0].problem.operations == 4 * 3 * 7 * 16 * 16
    path = write(text.replace("[0,3,0,3]", "[0,0,0,5]"), w=(4, 3, 3, 3))
    with pytest.raises(
        qdsl.SpecError, match=r"node 0 \(Conv\) has no meaning here\s+= note: no padding of an axis of 16"
    ):
        import_network(str(path))
    _, network = imported(path, layers=True)
    assert network.layers[0].problem.operations == 4 * 3 * 9 * 14 * 19


def test_norms_functions_and_biases_are_named_and_not_counted(write: Write) -> None:
    path = write(
        """net (float[2,8,4,4] x) => (float[N,C] out) {
             [c] a = Conv(x, w)
             [n] b = BatchNormalization(a, g, g, g, g)
             [r] d = Relu(b)
             [m] e = GlobalAveragePool(d)
             f = Flatten(e)
             [l] h = Gemm<transB = 1>(f, u, g)
             [s] out = Softmax(h)
        }""",
        w=(8, 8, 1, 1),
        g=(8,),
        u=(8, 8),
    )
    made, network = imported(path)
    assert [(x.name, x.function) for x in network.layers] == [
        ("conv", "relu"),
        ("global_average_pool", ""),
        ("gemm", ""),
    ]
    assert "// node 0 c (Conv), then BatchNormalization n\n" in made.text
    assert "// node 5 l (Gemm), then Softmax s\n" in made.text
    assert "batch 2" in made.text


def test_a_function_of_what_is_read_again_is_no_function_of_the_layer(write: Write) -> None:
    path = write(
        "net (float[1,8,4,4] x) => (float[N,C,H,W] out) { a = Conv(x, w) b = Relu(a) out = Add(a, b) }", w=(8, 8, 1, 1)
    )
    made, network = imported(path)
    assert network.layers[0].function == ""
    assert "then Relu, Add" in made.text  # a function of one activation alone


def test_broadcast_operands_keep_their_shape(write: Write) -> None:
    path = write(
        """net (float[1,8,4,4] x) => (float[N,C,H,W] out) {
             a = Conv(x, w) m = ReduceMean(a, axes) out = Sub(a, m)
        }""",
        w=(8, 8, 1, 1),
        axes=np.array([1]),
    )
    made, network = imported(path)
    assert "O[n, c, p, q] = I[n, c, p, q] + W[n, p, q]" in made.text
    assert shapes(network)["sub"] == (1, 8, 4, 4)


def test_unknown_nodes_are_all_named_with_their_position(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        """net (float[1,8,4,4] x) => (float[N,C,H,W] out) {
             a = Conv(x, w) b = Conv(x, w)
             [cat] c = Concat<axis = 2>(a, b)
             [mix] d = com.example.Mixer(b)
             [last] out = Conv(c, v)
        }""".replace("com.example.", "qonnx.custom_op.general."),
        w=(8, 8, 1, 1),
        v=(4, 8, 1, 1),
    )
    assert main(["import", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "error[Q0971]: node 2 cat (Concat) has no meaning here" in said.err
    assert "error[Q0971]: node 3 mix (Mixer) has no meaning here" in said.err
    assert "last" not in said.err


def test_a_list_of_layers_leaves_moves_out_with_a_warning(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        """net (float[1,8,4,4] x) => (float[N,C,H,W] out) {
             a = Conv(x, w) b = Conv(x, w)
             [cat] c = Concat<axis = 2>(a, b)
             out = Conv(c, v)
        }""",
        w=(8, 8, 1, 1),
        v=(4, 8, 1, 1),
    )
    out = path.with_suffix(".qdsl")
    assert main(["import", str(path), "--layers", "--out", str(out)]) == 0
    assert "warning[Q0972]: node 2 cat (Concat) is left out" in capsys.readouterr().err
    network = qdsl.load(out).network("net")
    assert [x.problem.operations for x in network.layers] == [1024, 1024, 1024]
    assert not any(x.inputs for x in network.layers)
    assert "// node 2 cat (Concat): a network joins whole activations, along their second axis" in out.read_text()
    assert main(["import", str(path), "--layers", "--deny", "Q0972"]) == 1


def test_channels_are_joined_without_a_layer(write: Write) -> None:
    path = write(
        """net (float[1,8,4,4] x) => (float[N,C,H,W] out) {
             a = Conv(x, w)
             r = Relu(a)
             c = Concat<axis = -3>(r, x, r)
             d = Identity(c)
             e = Concat<axis = 1>(d)
             out = Conv(e, v)
        }""",
        w=(8, 8, 1, 1),
        v=(4, 24, 1, 1),
    )
    made, network = imported(path)
    assert "conv_2 = conv2d(concat(conv, x, conv), K = 4, R = 1, S = 1)" in made.text
    assert shapes(network)["concat(conv, x, conv)"] == (1, 24, 4, 4)
    assert [(x.name, x.function) for x in network.layers] == [("conv", "relu"), ("conv_2", "")]


def test_a_reshape_does_not_split_what_is_joined(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        """net (float[1,8,4,4] x) => (float[N,K] out) {
             a = Conv(x, w)
             c = Concat<axis = 1>(a, x)
             d = Reshape(c, s)
             out = Conv(d, v)
        }""".replace("float[N,K]", "float[N,K,P,Q]"),
        w=(8, 8, 1, 1),
        v=(4, 4, 1, 1),
        s=np.array([1, 4, 4, 16]),
    )
    assert main(["import", str(path)]) == 1
    assert "error[Q0971]" in capsys.readouterr().err


def test_parts_of_a_product_are_layers_if_they_are_all_of_it(write: Write) -> None:
    weights = {"w": (8, 24), "s": np.array([0]), "e": np.array([8]), "f": np.array([24]), "axes": np.array([1])}
    head = "net (float[4,8] x) => (float[N,C] out) { a = MatMul(x, w) "
    path = write(
        head + "q = Slice(a, s, e, axes) k = Slice(a, e, f, axes) m = MatMul(k, v) out = Add(q, m) }",
        **weights,
        v=(16, 8),
    )
    _, network = imported(path)
    assert {x.name: x.problem.operations for x in network.layers if x.has_weights} == {
        "matmul_1": 4 * 8 * 8,
        "matmul_2": 4 * 8 * 16,
        "matmul_3": 4 * 16 * 8,
    }
    path = write(head + "out = Slice(a, s, e, axes) }", **weights)
    with pytest.raises(qdsl.SpecError, match="read in parts that are not all of it"):
        import_network(str(path))


QDQ = """net (float[1,8,4,4] x) => (float[N,C,H,W] out) {
  xq = QuantizeLinear(x, scale, zero) xd = DequantizeLinear(xq, scale, zero)
  wd = DequantizeLinear(w, scale) a = Conv(xd, wd) r = Relu(a)
  rq = QuantizeLinear<output_dtype = 22>(r, scale) rd = DequantizeLinear(rq, scale)
  out = Conv(rd, v)
}"""


def test_widths_of_quantize_linear_become_a_precision_block(write: Write) -> None:
    scale, zero = np.array(0.1, np.float32), np.array(0, np.uint8)
    text = QDQ.replace("rq = QuantizeLinear<output_dtype = 22>(r, scale)", "rq = QuantizeLinear(r, scale, four)")
    text = HEAD.replace("20", "21") + text
    model = parser.parse_model(text)
    stored: dict[str, np.ndarray] = {"scale": scale, "zero": zero, "w": np.zeros((8, 8, 1, 1), np.int8)}
    for name, value in stored.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    model.graph.initializer.append(helper.make_tensor("four", onnx.TensorProto.INT4, (), [0]))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((4, 8, 1, 1), np.float32), "v"))
    made = imported_model(model, write)
    assert "// node 3 (Conv): weights 8 bit, activations 8 bit\n" in made.text
    assert "// node 7 (Conv): activations 4 bit\n" in made.text
    assert "//     layer conv: weights = 8, activations = 8\n//     layer conv_2: activations = 4\n" in made.text
    assert "//     weights in {8} per layer\n//     activations in {4, 8} per layer\n" in made.text


def test_widths_of_qonnx(write: Write) -> None:
    path = write(
        """net (float[1,8,4,4] x) => (float[N,C,H,W] out) {
             xq = qonnx.custom_op.general.Quant<signed = 1>(x, one, zero, six)
             wq = qonnx.custom_op.general.Quant<signed = 1>(w, one, zero, three)
             vq = qonnx.custom_op.general.BipolarQuant(v, one)
             a = Conv(xq, wq)
             b = Conv(a, vq)
             out = qonnx.custom_op.general.Quant(b, one, zero, three)
        }""",
        w=(8, 8, 1, 1),
        v=(8, 8, 1, 1),
        **{n: np.array(x, np.float32) for n, x in {"one": 1, "zero": 0, "six": 6, "three": 3}.items()},
    )
    made, _ = imported(path)
    assert "layer conv: weights = 3, activations = 6\n" in made.text
    assert "layer conv_2: weights = 1\n" in made.text
    assert "output 3 bit" in made.text


def imported_model(model: onnx.ModelProto, write: Write) -> Import:
    path = write("net (float[1] x) => (float[1] y) { y = Relu(x) }")
    onnx.save(model, path)
    made = import_network(str(path))
    qdsl.loads(made.text)
    return made


def test_open_sizes_are_asked_for_but_for_the_batch(write: Write) -> None:
    text = "net (float[N,3,H,16] x) => (float[N,C,P,Q] out) { out = Conv(x, w) }"
    path = write(text, w=(4, 3, 3, 3))
    with pytest.raises(qdsl.SpecError, match=r"axis 2 of its input `x` has no size(.|\n)*--shape x=1x3x224x224"):
        import_network(str(path))
    made = import_network(str(path), {"x": (2, 3, 16, 16)})
    assert qdsl.loads(made.text).network("net").layers[0].problem.operations == 2 * 4 * 3 * 9 * 14 * 14
    with pytest.raises(qdsl.SpecError, match="it has no input `y`, but `x`"):
        import_network(str(path), {"y": (1,)})
    path = write(text.replace("H", "16", 1), w=(4, 3, 3, 3))
    assert "// The batch of `x` is open and taken as 1." in import_network(str(path)).text


def test_weights_in_another_file_are_not_needed_and_shapes_are(write: Write) -> None:
    path = write("net (float[1,8] x) => (float[N,C] out) { a = MatMul(x, w) out = ReduceMean(a, axes) }",
                 w=(8, 4), axes=np.array([0]))  # fmt: skip
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="data.bin", size_threshold=100)
    (path.parent / "data.bin").unlink()
    assert "matmul = linear(x, K = 4)" in import_network(str(path)).text
    onnx.save(model, path, save_as_external_data=True, location="data.bin", size_threshold=0)
    (path.parent / "data.bin").unlink()
    with pytest.raises(qdsl.SpecError, match=r"Q0970\]: `axes` cannot be imported: its data cannot be read"):
        import_network(str(path))


@pytest.mark.parametrize("cut", [0, 3, 60, 200])
def test_what_is_cut_off_or_not_onnx_is_a_finding(cut: int, write: Write) -> None:
    path = write("net (float[1,8] x) => (float[N,C] out) { out = MatMul(x, w) }", w=(8, 4))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(qdsl.SpecError, match="Q0970"):
        import_network(str(path))
    path.write_text("network net {}")
    with pytest.raises(qdsl.SpecError, match="it is not ONNX"):
        import_network(str(path))


def test_damaged_files_are_findings(write: Write) -> None:
    path = write(
        """net (float[1,8,4,4] x) => (float[N,C] out) {
             a = Conv<pads = [1,1,1,1], strides = [2,2]>(x, w) b = MaxPool<kernel_shape = [2,2]>(a) d = Flatten(b)
             e = MatMul(d, u) f = Reshape(e, s) g = Transpose<perm = [0,2,1]>(f) h = MatMul(f, g) out = Flatten(h)
        }""",
        w=(4, 8, 3, 3),
        u=(4, 12),
        s=np.array([1, 3, 4]),
    )
    whole, draw = path.read_bytes(), random.Random(1)
    codes = []
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[draw.randrange(300)] = draw.randrange(256)  # names, nodes and attributes, not weights
        path.write_bytes(damaged)
        try:
            import_network(str(path))
        except qdsl.SpecError as error:
            codes += [d.code for d in error.diagnostics]
    assert set(codes) == {"Q0970", "Q0971"} and len(codes) > 50


def test_names_are_those_of_weights_and_modules_and_always_distinct(write: Write) -> None:
    path = write(
        """net (float[1,8] in) => (float[N,C] out) {
             [not] a = MatMul(in, "layer.0.if.weight") b = MatMul(a, "then.weight") ["/m/m.1/p/MatMul"] out = MatMul(b, v)
        }""".replace('"layer.0.if.weight"', "w")
        .replace('"then.weight"', "u")
        .replace('["/m/m.1/p/MatMul"]', "[z]"),
        w=(8, 8),
        u=(8, 8),
        v=(8, 8),
    )
    model = onnx.load(path)
    for old, new in {"w": "layer.0.if.weight", "u": "then.weight"}.items():
        for node in model.graph.node:
            node.input[:] = [new if n == old else n for n in node.input]
        for t in model.graph.initializer:
            t.name = new if t.name == old else t.name
    model.graph.node[2].name = "/m/m.1/p/MatMul"
    made = imported_model(model, write)
    assert [x.name for x in made.network.layers] == ["layer_0_if", "then_2", "m_1_p"]


def test_what_is_no_network_and_what_networks_do_not_have_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for sources, said in {
        ("model.txt",): "`model.txt` is of no kind that can be imported",
        ("a.onnx", "b.onnx"): "a network is imported by itself",
        ("a.yaml", "--layers"): "`--shape` and `--layers` are about networks",
        ("a.onnx",): "`a.onnx` cannot be imported: No such file",
    }.items():
        assert main(["import", *sources]) == 1
        assert said in capsys.readouterr().err
    assert main(["import", "a.onnx", "--shape", "x=1x0"]) == 2
    assert "as in image=1x3x224x224" in capsys.readouterr().err


def test_a_transposed_convolution_is_one_unless_it_crops(write: Write) -> None:
    text = (
        "net (float[1,8,4,4] x) => (float[N,C,H,W] out) { a = ConvTranspose<strides = [2,2]>(x, w) out = Conv(a, v) }"
    )
    made, network = imported(write(text, w=(8, 4, 3, 3), v=(2, 4, 1, 1)))
    assert "O[n, k, stride*p + dilation*r, stride*q + dilation*s] += I[n, c, p, q] * W[k, c, r, s]" in made.text
    assert shapes(network)["conv_transpose"] == (1, 4, 9, 9)
    assert network.layers[0].problem.operations == 8 * 4 * 3 * 3 * 4 * 4
    path = write(text.replace("[2,2]", "[2,2], pads = [1,1,1,1]"), w=(8, 4, 3, 3), v=(2, 4, 1, 1))
    with pytest.raises(
        qdsl.SpecError, match=r"node 0 \(ConvTranspose\) has no meaning here\s+= note: its output has 196 values"
    ):
        import_network(str(path))
