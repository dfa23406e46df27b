"""Types of command-line values. Wrong ones are usage errors: exit code 2."""

from __future__ import annotations

import argparse


def bits(text: str) -> dict[str, int]:
    """`W=8,I=8,O=8`"""
    widths = {}
    for part in text.split(","):
        tensor, equals, width = (x.strip() for x in part.partition("="))
        if not (equals and tensor and width.isdecimal() and int(width) > 0):
            raise argparse.ArgumentTypeError(f"{part.strip()!r} is not TENSOR=BITS, as in W=8,I=8,O=8")
        widths[tensor] = int(width)
    return widths


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
