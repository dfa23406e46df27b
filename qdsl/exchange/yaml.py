"""YAML with the place of every node, so that findings can point into it. Nothing in a file is ever constructed or run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from qdsl.diagnostics import Diagnostic, SourceFile, Span, SpecError
from qdsl.diagnostics.extras import not_installed

EXTRA = "exchange"
LARGEST_TEXT = 2_000_000
DEEPEST = 100


@dataclass(frozen=True, eq=False)
class Node:
    """A scalar (text), a list (items) or a mapping (fields); the other two are empty. tag: as in `!Container`, else ''.

    Keys of mappings have `_` for `-`: Timeloop's versions differ in that alone. keys: where they stand.
    """

    span: Span
    tag: str
    text: str | None = None
    items: tuple[Node, ...] = ()
    fields: Mapping[str, Node] = field(default_factory=dict)
    keys: Mapping[str, Span] = field(default_factory=dict)

    @property
    def is_list(self) -> bool:
        return self.text is None and not self.is_map

    @property
    def is_map(self) -> bool:
        return bool(self.fields)

    def get(self, *names: str) -> Node | None:
        """The value of the first of several keys that is there."""
        return next((self.fields[n] for n in names if n in self.fields), None)

    def need(self, name: str) -> Node:
        found = self.get(name)
        if found is None:
            wrong(self.span, f"`{name}` is missing")
        return found

    def string(self) -> str:
        if self.text is None:
            wrong(self.span, "a single value is needed here")
        return self.text

    def number(self) -> float:
        try:
            value = float(self.string())
        except ValueError:
            wrong(self.span, f"`{self.string()}` is not a number", helps=("write out what is calculated",))
        if not 0 <= value < float("inf"):
            wrong(self.span, f"{self.string()} is out of range")
        return value

    def whole(self, least: int = 1) -> int:
        value = self.number()
        if value != int(value) or value < least:
            wrong(self.span, f"{self.string()} is not a whole number of at least {least}")
        return int(value)

    def sequence(self) -> tuple[Node, ...]:
        """The items of a list; one that is empty may be left out (`keep:`)."""
        if self.is_map or self.text not in (None, ""):
            wrong(self.span, "a list is needed here")
        return self.items

    def entries(self) -> Iterator[tuple[str, Span, Node]]:
        """Key, where it stands, and value."""
        if not self.is_map and (self.items or self.text):
            wrong(self.span, "keys with values are needed here")
        for key, value in self.fields.items():
            yield key, self.keys[key], value


def wrong(
    span: Span, message: str, *, code: str = "Q0983", notes: tuple[str, ...] = (), helps: tuple[str, ...] = ()
) -> NoReturn:
    """Raises SpecError with one finding; by default, that parts of the files do not fit together."""
    raise SpecError([Diagnostic(code, message, span, notes=notes, helps=helps)])


def no_meaning(span: Span, what: str, why: str = "") -> NoReturn:
    """Raises SpecError: something that counts in the other tool and does not exist here."""
    raise SpecError([Diagnostic("Q0981", f"{what} has no meaning here", span, notes=(why,) if why else ())])


def read_file(path: Path) -> SourceFile:
    """Raises SpecError if it is not a readable text."""
    return SourceFile(str(path), _text(path))


def read_yaml(source: SourceFile) -> Node:
    """The only document of a text. Raises SpecError where it is not readable."""
    try:
        from yaml import MarkedYAMLError, SafeLoader, YAMLError, compose
    except ModuleNotFoundError as error:
        raise not_installed(error, EXTRA, "reading YAML") from None
    try:
        root = compose(source.text, Loader=SafeLoader)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = min(mark.index if mark else 0, len(source.text))
        wrong(Span(source, at, at), f"this is not YAML: {error.problem or error.context}", code="Q0980")
    except YAMLError as error:
        wrong(Span(source, 0, 0), f"this is not YAML: {' '.join(str(error).split())}", code="Q0980")
    except RecursionError:
        wrong(Span(source, 0, 0), "nested too deeply", code="Q0980")
    if root is None:
        wrong(Span(source, 0, 0), "the file is empty", code="Q0980")
    return _Converter(source).node(root, 0)


def write_yaml(data: Any) -> str:
    """Plain data as YAML: blocks, but for the innermost lists and mappings."""
    try:
        from yaml import safe_dump
    except ModuleNotFoundError as error:
        raise not_installed(error, EXTRA, "writing YAML") from None
    return str(safe_dump(data, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True))


def _text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        code = "Q0010" if isinstance(error, FileNotFoundError) else "Q0015"
        message = f"`{path}` does not exist" if code == "Q0010" else f"`{path}` cannot be read: {error.strerror}"
        raise SpecError([Diagnostic(code, message, None)]) from None
    except UnicodeDecodeError as error:
        raise SpecError([Diagnostic("Q0014", f"`{path}` is not UTF-8 text: byte {error.start}", None)]) from None
    if len(text) > LARGEST_TEXT:
        raise SpecError([Diagnostic("Q0013", f"`{path}` has more than {LARGEST_TEXT:,} characters", None)])
    return text.removeprefix("\ufeff")


class _Converter:
    """Aliases share the node that they name, so that a file of aliases of aliases stays as small as its text."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.done: dict[int, Node] = {}

    def node(self, raw: Any, depth: int) -> Node:
        if id(raw) not in self.done:
            if depth > DEEPEST:
                wrong(self.span(raw), "nested too deeply, or an alias of itself", code="Q0980")
            self.done[id(raw)] = self.convert(raw, depth)
        return self.done[id(raw)]

    def convert(self, raw: Any, depth: int) -> Node:
        span, tag = self.span(raw), raw.tag if raw.tag.startswith("!") else ""
        if raw.id == "scalar":
            return Node(span, tag, "" if raw.tag.endswith(":null") else raw.value)
        if raw.id == "sequence":
            return Node(span, tag, items=tuple(self.node(item, depth + 1) for item in raw.value))
        fields: dict[str, Node] = {}
        keys: dict[str, Span] = {}
        for key, value in raw.value:
            at = self.span(key)
            if key.id != "scalar":
                wrong(at, "a key must be a name", code="Q0980")
            if key.value.startswith("<<"):
                no_meaning(at, f"the merge key `{key.value}`", "write out what it stands for")
            name = key.value.replace("-", "_")
            if name in fields:
                wrong(at, f"`{key.value}` is given twice", code="Q0980")
            fields[name], keys[name] = self.node(value, depth + 1), at
        return Node(span, tag, fields=fields, keys=keys)

    def span(self, raw: Any) -> Span:
        """Of a node over several lines the first one."""
        start, end = raw.start_mark.index, raw.end_mark.index
        stop = self.source.text.find("\n", start, end)
        return Span(self.source, start, end if stop < 0 else max(stop, start + 1))
