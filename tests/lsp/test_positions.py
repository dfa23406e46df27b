"""Offsets in a text and positions of the protocol."""

from __future__ import annotations

import pytest

pytest.importorskip("pygls")
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, PositionEncodingKind
from pygls.workspace import PositionCodec

from qdsl.lsp.positions import Positions

TEXTS = st.text(alphabet="ab\n\r\t\u00b5\U0001f600\u2028\f", max_size=40)


@given(TEXTS, st.data(), st.sampled_from(list(PositionEncodingKind)))
def test_an_offset_comes_back(text: str, data: st.DataObject, encoding: PositionEncodingKind) -> None:
    positions = Positions(PositionCodec(encoding))
    offset = data.draw(st.integers(0, len(text)))
    back = positions.offset(text, positions.position(text, offset))
    # between the two characters of a line break there is no position
    assert back == offset or text[back:offset] in ("\r", "\n", "\r\n")


def test_lines_and_columns() -> None:
    text = "a\U0001f600b\r\nc\rd"
    positions = Positions()
    assert positions.position(text, text.index("b")) == Position(0, 3)
    assert positions.position(text, text.index("c")) == Position(1, 0)
    assert positions.position(text, text.index("d")) == Position(2, 0)
    assert positions.offset(text, Position(0, 99)) == 3
    assert positions.offset(text, Position(99, 0)) == len(text)
