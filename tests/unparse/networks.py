"""Random networks as text: blocks in blocks, repeats of blocks and operators, conditions, inputs in between."""

from __future__ import annotations

from hypothesis import strategies as st

OPERATORS = """\
operator conv(stride = 1, dilation = 1) {
  dims N, K, C, P, R
  weights W
  O[n, k, p] += I[n, c, stride*p + dilation*r] * W[k, c, r]
}
operator add {
  dims N, C, P
  O[n, c, p] = A[n, c, p] + B[n, c, p]
}
operator mean {
  dims N, C, P
  O[n, c] += I[n, c, p]
}
operator linear {
  dims N, K, C
  weights W
  O[n, k] += I[n, c] * W[k, c]
}
"""


@st.composite
def networks(draw: st.DrawFn) -> str:
    """A spec with one network, whose activations have few channels and up to 16 columns."""
    blocks = [_block(draw, f"b{i}", []) for i in range(draw(st.integers(1, 2)))]
    blocks.append(_block(draw, "outer", ["b0"]))
    names = ["image"]
    statements = [f"input image: {draw(st.integers(1, 3))} x 16"]
    for i in range(draw(st.integers(1, 4))):
        read = draw(st.sampled_from(names))
        block = draw(st.sampled_from(["b0", "outer"]))
        name, k = f"s{i}", draw(st.sampled_from([2, 4]))
        statements.append(
            draw(
                st.sampled_from(
                    [
                        f"{name} = {_conv(draw, read)}",
                        f"{name} = {block}({read}, {k})",
                        f"{name} = concat({read}, {draw(st.sampled_from(names))})",
                        f"repeat {draw(st.integers(1, 3))} as {name} = {block}({read}, {k} then 3)",
                        f"repeat {draw(st.integers(1, 3))} as {name} = conv({read}, K = {k} then 2, R = 3, pad = 1) relu",
                    ]
                )
            )
        )
        names.append(name)
    statements.append(f"fc = linear(mean({names[-1]}), K = 3)")
    if draw(st.booleans()):
        statements += ["input other: 5", "late = linear(other, K = 2)", "output late"]
    body = "\n".join(f"  {s}" for s in [*blocks, *statements, "output fc"])
    batch = draw(st.sampled_from(["", "  batch 2\n"]))
    free = draw(st.sampled_from(["", "  layer free = conv(N = 1, K = 2, C = 3, P = 4, R = 5, stride = 2)\n"]))
    return f"{OPERATORS}network random {{\n{batch}{free}{body}\n}}\n"


def _conv(draw: st.DrawFn, read: str) -> str:
    k, r = draw(st.integers(1, 3)), draw(st.sampled_from([1, 3]))
    function = draw(st.sampled_from(["", " relu", " relu6"]))
    return f"conv({read}, K = {k}, R = {r}, pad = {r // 2}){function}"


def _block(draw: st.DrawFn, name: str, inner: list[str]) -> str:
    """A block of (x, k) that keeps the columns."""
    lines = ["a = conv(x, K = k, R = 3, pad = 1) relu"]
    if draw(st.booleans()):
        lines.append("a2 = if x.channels == k then a else conv(a, K = 2 * x.channels, R = 1)")
        lines.append("b = conv(a2, K = k, R = 1)")
    else:
        lines.append("b = conv(a, K = k, R = 1, dilation = 2)")
    for i in inner:
        lines += [
            f"inside = {i}(b, k)",
            f"b2 = {draw(st.sampled_from(['add(inside, b)', 'conv(inside, K = k, R = 1)', 'concat(inside, b, a)']))}",
        ]
    last = "b2" if inner else "b"
    sums = [] if "concat" in lines[-1] else [f"yield if x.channels == k then add(x, {last}) else {last}"]
    lines.append(draw(st.sampled_from([f"yield {last}", *sums])))
    return f"block {name}(x, k) {{ {'; '.join(lines)} }}"
