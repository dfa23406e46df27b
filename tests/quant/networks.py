"""Small networks for the tests of quantised ones."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from qdsl.model import load
from qdsl.model.network import Network
from qdsl.model.study import Model
from qdsl.quant import Widths
from qdsl.resources import data_dir

OPERATORS = ("conv2d", "conv_transposed", "elementwise", "linear", "pool")

RESIDUAL = """
network n {
  input image: 2 x 9 x 9
  stem = conv2d(image, K = 4, R = 3, S = 3, pad = 1) relu
  a = conv2d(stem, K = 8, R = 3, S = 3, stride = 2, pad = 1) relu
  b = conv2d(a, K = 8, R = 3, S = 3, pad = 1)
  shortcut = conv2d(stem, K = 8, R = 1, S = 1, stride = 2)
  sum = add(shortcut, b) relu
  wide = add(widen(sum, D = 1, stride = 2, pad = 4), conv2d(sum, K = 16, R = 3, S = 3, stride = 2, pad = 1)) relu
  fc = linear(mean(wide), K = 3)
  output fc
}
"""

DEPTHWISE = """
network n {
  input image: 3 x 12 x 8
  stem = conv2d(image, K = 6, R = 4, S = 3, stride = 2, pad = 1) relu6
  d = depthwise(stem, R = 3, S = 3, pad = 1) relu6
  p = conv2d(d, K = 10, R = 1, S = 1)
  pool = max_pool2d(p, R = 3, S = 3, stride = 2, pad = 1)
  average = pool2d(pool, R = 2, S = 2) relu
  fc = flat_linear(average, K = 4)
  output fc
}
"""

JOINED = """
network n {
  input image: 2 x 6 x 6
  block mixed(x) {
    one = conv2d(x, K = 3, R = 1, S = 1) relu
    three = conv2d(x, K = 4, R = 3, S = 3, pad = 1)
    yield concat(one, three)
  }
  m1 = mixed(image)
  m2 = mixed(m1)
  fc = linear(mean(concat(m1, m2)), K = 3)
  output fc
}
"""

NARROW = """
network n {
  input image: 1 x 8 x 8
  block basic(x, out, stride) {
    a = conv2d(x, K = out, R = 3, S = 3, stride = stride, pad = 1) relu
    b = conv2d(a, K = out, R = 3, S = 3, pad = 1)
    shortcut = if stride == 1 and x.channels == out then x else conv2d(x, K = out, R = 1, S = 1, stride = stride)
    sum = add(shortcut, b) relu
    yield sum
  }
  stem = conv2d(image, K = 4, R = 3, S = 3, pad = 1) relu
  b1 = basic(stem, 4, 1)
  b2 = basic(b1, 8, 2)
  b3 = basic(b2, 16, 2)
  fc = linear(mean(b3), K = 10)
  output fc
}
"""
"""ResNet-8 with a quarter of its channels, for the digits."""

RESNET20 = """
network n {
  input image: 1 x 8 x 8
  block basic(x, out, stride) {
    a = conv2d(x, K = out, R = 3, S = 3, stride = stride, pad = 1) relu
    b = conv2d(a, K = out, R = 3, S = 3, pad = 1)
    // allow Q0421: the channels of zeros are meant
    shortcut = if stride == 1 then x else widen(x, D = 1, stride = stride, pad = out / 4)
    sum = add(shortcut, b) relu
    yield sum
  }
  stem = conv2d(image, K = 16, R = 3, S = 3, pad = 1) relu
  repeat 3 as b1 = basic(stem, 16, 1)
  repeat 3 as b2 = basic(b1, 32, 2 then 1)
  repeat 3 as b3 = basic(b2, 64, 2 then 1)
  fc = linear(mean(b3), K = 10)
  output fc
}
"""
"""ResNet-20 for the digits."""


def loaded(text: str, folder: Path, *parts: str) -> Model:
    """A text checked beside parts of the shipped specs, such as 'operators'."""
    for part in parts:
        shutil.copytree(data_dir("specs") / part, folder / part)
    path = folder / "main.qdsl"
    path.write_text(text)
    return load(path)


def written(text: str, folder: Path) -> Network:
    """The network of a text that may use the shipped operators."""
    imports = "".join(f'import "operators/{n}.qdsl"\n' for n in OPERATORS)
    return loaded(imports + text, folder, "operators").networks[0]


@cache
def shipped(name: str) -> Network:
    return next(n for n in load(data_dir("specs") / "networks" / f"{name}.qdsl").networks if n.name == name)


def uniform(network: Network, weights: int, activations: int) -> Widths:
    """One width for all weights and one for all activations, the outputs included."""
    return {
        x.name: {t.name: weights if t.is_weight else activations for t in x.problem.operator.tensors}
        for x in network.layers
    }
