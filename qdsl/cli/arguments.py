"""Types of command-line values. Wrong ones are usage errors: exit code 2."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qdsl.exchange.cacti import Sram
    from qdsl.mapper import Objective


def bits(text: str) -> dict[str, int]:
    """`W=8,I=8,O=8`"""
    widths = {}
    for part in text.split(","):
        tensor, equals, width = (x.strip() for x in part.partition("="))
        if not (equals and tensor and width.isdecimal() and int(width) > 0):
            raise argparse.ArgumentTypeError(f"{part.strip()!r} is not TENSOR=BITS, as in W=8,I=8,O=8")
        widths[tensor] = int(width)
    return widths


def objective(text: str) -> Objective:
    """`energy`, `accesses,energy` or `energy within 100000 cycles`"""
    from qdsl.mapper import Objective

    try:
        return Objective.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def seed(text: str) -> int:
    """numpy takes seeds of 32 bits."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def positive_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return seconds


def percentage(text: str) -> float:
    """`20`, or `20%`"""
    try:
        share = float(text.removesuffix("%"))
    except ValueError:
        share = 0.0
    if not 0 < share <= 90:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of per cent above 0, up to 90")
    return share


def nanometres(text: str) -> float:
    """`28`"""
    try:
        node = float(text)
    except ValueError:
        node = 0.0
    if not 22 <= node <= 180:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of nanometres from 22 to 180")
    return node


def sram(text: str) -> Sram:
    """`buffer=128KiB:64`"""
    from qdsl.exchange.cacti import Sram

    found = re.fullmatch(r"([A-Za-z_]\w*)=(\d+)(B|KiB|MiB):(\d+)", text)
    if not found or not int(found[2]) or not int(found[4]):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SIZE:BITS, as in buffer=128KiB:64")
    unit = {"B": 8, "KiB": 8 * 1024, "MiB": 8 * 1024**2}[found[3]]
    return Sram(found[1], int(found[2]) * unit, int(found[4]))


def strengths(text: str) -> tuple[float, ...]:
    """`0.1,1,10`"""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 <= x < float("inf") for x in found):
        raise argparse.ArgumentTypeError(f"{text!r} are not numbers of at least 0, as in 0.1,1,10")
    return found


def report_formats(text: str) -> tuple[str, ...]:
    """`html,markdown`"""
    formats = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in formats:
        if name not in ("html", "markdown"):
            raise argparse.ArgumentTypeError(f"{name!r} is not a report format; there are html and markdown")
    return formats


def denied_codes(text: str) -> tuple[str, ...]:
    """`Q0404,Q0420` or `warnings`"""
    from qdsl.diagnostics import nearest
    from qdsl.diagnostics.codes import CODES, WARNINGS

    codes = []
    for part in text.split(","):
        code = part.strip() if part.strip() == "warnings" else part.strip().upper()
        if code in CODES and code not in WARNINGS:
            raise argparse.ArgumentTypeError(f"{code} is an error already")
        if code != "warnings" and code not in WARNINGS:
            near = nearest(code, [*WARNINGS, "warnings"])
            hint = f"; did you mean {near}?" if near else "; there are the codes of warnings, and `warnings` for all"
            raise argparse.ArgumentTypeError(f"{part.strip()!r} is no code of a warning{hint}")
        codes.append(code)
    return tuple(codes)


def cluster(text: str) -> str:
    """`tcp://host:8786`"""
    host, colon, port = text.removeprefix("tcp://").rpartition(":")
    if not (text.startswith("tcp://") and host and colon and port.isdecimal() and 0 < int(port) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is not the address of a scheduler, as in tcp://localhost:8786")
    return text


def days(text: str) -> int:
    """`30d`, in seconds"""
    number = text.removesuffix("d")
    if not (text.endswith("d") and number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days, as in 30d")
    return int(number) * 86_400
