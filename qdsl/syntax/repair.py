"""The smallest correction after which a statement is read: one word or sign changed, left out, or put in.

A correction counts only if the parser then takes the whole statement, and only if no other of its kind works as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from lark import UnexpectedInput, UnexpectedToken

from qdsl.diagnostics import nearest
from qdsl.syntax.blocks import OPENINGS, accepted_after, all_keywords, headers, keywords, kind_of, owners, statements_of
from qdsl.syntax.edits import Edited, shown, told
from qdsl.syntax.layout import DECLARATIONS, VALUE_SET, statement_at
from qdsl.syntax.tables import parser

MAX_LENGTH = 1000  # characters of a statement for which corrections are looked for
_AT_ONCE = 8  # the same correction in one statement, as of `dims M N K`
_WORD = re.compile(r"\w+")
_SIGN = re.compile(r"[=<>!&|:*.]+|[,;\[\]{]")
_LAST_WORD = re.compile(r"(?<![.\w])([A-Za-z_]\w*)\s*\Z")
_BARE = re.compile(r"[^\s;{}\"]+")
_QUOTED = re.compile(r'"([^"\\\n]+)"')
_VALUES = re.compile(r"\w+(?:\s+(?!per\b)\w+)?(?:\s*(?:,|\.\.)\s*\w+(?:\s+(?!per\b)\w+)?)+")
_LIST = re.compile(r"\[([^\[\]{};\n]*)\]")
# Signs as they are in other languages, and what they may be here.
SUBSTITUTES = {
    "=": ("==", ":", "in"),
    ":": ("=", ".."),
    ",": (";",),
    "==": ("=",),
    ":=": ("=",),
    "=>": (">=",),
    "=<": ("<=",),
    "<>": ("!=",),
    "&&": ("and",),
    "&": ("and",),
    "||": ("or",),
    "|": ("or",),
    "!": ("not",),
    "...": ("..",),
    "on": ("onto",),
}
_HABITS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(r"(array\s+\w+)\s+(\d+)\s*x\s*(\d+)"), lambda m: f"{m[1]} {{ x {m[2]}; y {m[3]} }}"),
    (re.compile(r"(search\s+\w+)\s*\{([^{};]*)\}"), lambda m: f"{m[1]}({m[2].strip()})"),
    (re.compile(r"(if\b[^{}]*?)\{\s*([^{};\n]+?)\s*\}"), lambda m: f"{m[1]}then {m[2]}"),
    (re.compile(r"range\((\d{1,4}), *(\d{1,4})\)"), lambda m: f"{{{m[1]}..{int(m[2]) - 1}}}"),
    (re.compile(r"% *(\d+(?:\.\d+)?)"), lambda m: f"{m[1]} %"),
]
_DANGLING = "nothing follows the last `,` of the statement"
_OMITTED = ("=", ":", ",")
_INSERTED = {"COMMA": ",", "EQUAL": " =", "COLON": ":", "_SEP": ";"}


@dataclass(frozen=True, slots=True)
class Broken:
    """A statement that the grammar refuses. text: of its declaration; start, end: of the statement, or of what leads into
    its block; offset: where it is refused; accepts: the terminals that could stand there; headers: the beginnings of the
    blocks around it; whole: the end of the statement with its block."""

    text: Edited
    start: int
    end: int
    offset: int
    accepts: frozenset[str]
    headers: tuple[str, ...]
    whole: int

    @classmethod
    def at(cls, text: Edited, start: int, end: int, offset: int, accepts: Iterable[str]) -> Broken:
        known = frozenset(accepts)
        head = _head(text.text, offset + ("IN" in known), end)
        return cls(text, start, head, offset, known, headers(text.text, start), end)

    @property
    def found(self) -> str:
        """The word or sign at the offset."""
        if self.offset >= self.end:
            return ""
        match = _WORD.match(self.text.text, self.offset) or _SIGN.match(self.text.text, self.offset)
        return match[0] if match else ""

    @property
    def before(self) -> str:
        """What of the statement precedes the offset."""
        return self.text.text[self.start : self.offset]

    @property
    def block(self) -> str:
        """The kind of block that the statement stands in, '' for none."""
        return kind_of(self.headers[-1]) if self.headers else ""

    @property
    def first_word(self) -> str:
        match = _WORD.match(self.text.text[self.start : self.end].lstrip())
        return match[0] if match else ""

    @property
    def begins(self) -> Collection[str]:
        """Words that begin a statement of its block, or a declaration."""
        if not self.block:
            return DECLARATIONS
        return statements_of(self.block) if self.block in OPENINGS else ()

    @property
    def misplaced(self) -> bool:
        """Whether it begins as statements of other blocks do."""
        word = self.first_word
        return word not in self.begins and bool(owners(word)) and self.before.strip() in ("", word)


def _head(text: str, offset: int, end: int) -> int:
    """The end of a statement, or of the brace that begins its block, if that lies behind the offset."""
    for brace in re.finditer(r"\{", text[offset:end]):
        at = offset + brace.start()
        if not VALUE_SET.search(text, max(0, at - 80), at):
            return at + 1
    return end


@dataclass(frozen=True, slots=True)
class Repair:
    """edited: the declaration with the correction; begin: of the statements that it concerns. wrong: what is at fault, if
    not what stands where the statement is refused; message: what is said of it."""

    edited: Edited
    begin: int
    help: str
    wrong: tuple[int, int] | None = None
    message: str = ""


def repair(broken: Broken) -> Repair | None:
    """The correction of a statement; None if there is none, or none that is clearly the one."""
    if broken.end - broken.start > MAX_LENGTH:
        return None
    for kind in (_continued, _spelled, _substituted, _omitted, _inserted, _completed, _habitual):
        if broken.misplaced and kind is not _continued:
            return None
        working = [made for edit in kind(broken) if (made := _attempt(broken, edit))]
        if working and (kind is _inserted or len({r.edited.text for r in working}) == 1):
            return working[0]  # of the signs that are missing the most usual one
        if working:
            return None
    return None


@dataclass(frozen=True, slots=True)
class _Edit:
    """start, end: what is replaced. begin: of the statements that it concerns. again: it may be needed several times.
    help: how it is told, '' to show the corrected statement; message, earlier: as of a Repair. sure: whether it counts even
    if there is another mistake behind it."""

    begin: int
    start: int
    end: int
    new: str
    help: str = ""
    again: bool = False
    message: str = ""
    earlier: bool = False
    sure: bool = False


def _attempt(broken: Broken, edit: _Edit) -> Repair | None:
    """Parses a candidate within nothing but the beginnings of its blocks; None if it is refused."""
    removed, added = broken.text.text[edit.start : edit.end], len(edit.new)
    text, last = broken.text.replaced(edit.start, edit.end, edit.new), -1
    end = broken.end if edit.end <= broken.end else broken.whole
    for _ in range(_AT_ONCE):
        end += added - len(removed)
        wrong = _refused(broken.headers, text.text[edit.begin : end])
        if wrong is None or (edit.sure and edit.start + added < edit.begin + wrong < end):
            help_ = edit.help or shown(text.text, edit.begin, end) or told(removed, edit.new)
            wrong_place = (edit.start, edit.end) if edit.earlier else None
            return Repair(text, edit.begin, help_, wrong_place, edit.message)
        at = edit.begin + wrong
        if not edit.again or at <= last or at >= end or text.text[at : at + len(removed)] != removed:
            return None
        gap, last = (at, at) if removed else (len(text.text[:at].rstrip()), at)
        text = text.replaced(gap, gap + len(removed), edit.new)
    return None


def refused_at(error: UnexpectedInput, text: str, shift: int = 0) -> int:
    """Where in a text the mistake shows. shift: from the text that was parsed to that."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return min(max((error.pos_in_stream or 0) + shift, 0), len(text))


def _refused(opened: tuple[str, ...], statement: str) -> int | None:
    """Where in a statement, or the beginning of a block, the parser stops."""
    prefix, suffix = "".join(opened), "}" * (len(opened) + statement.rstrip().endswith("{"))
    try:
        parser().parse(prefix + statement + suffix)
    except UnexpectedInput as error:
        return refused_at(error, statement, -len(prefix))
    return None


def _continued(broken: Broken) -> Iterator[_Edit]:
    """A statement that goes on by mistake, as of `dims M, N,` and its next line, or does not, as of `read 1 pJ; write 1 pJ`."""
    text = broken.text.text
    last = _LAST_WORD.search(broken.before)
    words = [(broken.offset, broken.found), *([(broken.start + last.start(), last[1])] if last else [])]
    for at, word in words:
        comma = len(text[:at].rstrip()) - 1
        if word in broken.begins and comma > broken.start and text[comma] == ",":
            help_ = f"remove it: `{word}` begins a new statement"
            yield _Edit(broken.start, comma, comma + 1, ";", help_, message=_DANGLING, earlier=True)
            return
    comma = len(text[: broken.offset].rstrip()) - 1
    if not broken.found and comma > broken.start and text[comma] == ",":
        yield _Edit(broken.start, comma, comma + 1, " ", "remove it", message=_DANGLING, earlier=True)
    ahead = len(text[: broken.start].rstrip(" ")) - 1
    if not broken.before.strip() and broken.found.isidentifier() and ahead > 0 and text[ahead] in ";\n":
        begin, _ = statement_at(text, len(text[:ahead].rstrip()))
        yield _Edit(begin, ahead, ahead + 1, ",")


def _spelled(broken: Broken) -> Iterator[_Edit]:
    """A keyword that is nearly spelled: the word at the offset, or the one before it."""
    text, found = broken.text.text, broken.found
    if found.isidentifier() and found not in all_keywords() and (word := nearest(found, keywords(broken.accepts))):
        end = broken.offset + len(found)
        first = not broken.before.strip()
        yield _Edit(broken.start, broken.offset, end, word, f"did you mean `{word}`?", sure=first)
        return
    if (last := _LAST_WORD.search(broken.before)) and found not in ("=", ":"):
        start, name = broken.start + last.start(), last[1]
        context = "".join(broken.headers) + text[broken.start : start]
        accepted = keywords(accepted_after(context))
        if name not in accepted and (word := nearest(name, accepted)):
            help_ = f"did you mean `{word}`?"
            first = not text[broken.start : start].strip()
            yield _Edit(broken.start, start, start + len(name), word, help_, earlier=True, sure=first)


def _substituted(broken: Broken) -> Iterator[_Edit]:
    """A sign in place of another one."""
    text, at, found = broken.text.text, broken.offset, broken.found
    if at > broken.start and text[at - 1 : at + 1] == "<>":
        at, found = at - 1, "<>"
    for new in SUBSTITUTES.get(found, ()):
        yield _Edit(broken.start, at, at + len(found), f" {new} ", again=True)
    if found == "." and text[at + 1 : at + 2].isdigit():
        yield _Edit(broken.start, at, at + 1, "0.", again=True)
    if found == "[" and (values := _LIST.match(text, at)):
        yield _Edit(broken.start, at, values.end(), f"{{{values[1]}}}")
    if "STRING" in broken.accepts and (bare := _BARE.match(text, at)):
        yield _Edit(broken.start, at, bare.end(), f'"{bare[0]}"')
    if quoted := _QUOTED.match(text, at):
        yield _Edit(broken.start, at, quoted.end(), quoted[1])
    if "LBRACE" in broken.accepts and (values := _VALUES.match(text, at)):
        yield _Edit(broken.start, at, values.end(), f"{{{values[0]}}}")


def _omitted(broken: Broken) -> Iterator[_Edit]:
    """A sign too many."""
    if broken.found in _OMITTED:
        yield _Edit(broken.start, broken.offset, broken.offset + 1, " ", again=True)
    if not broken.before.strip() and broken.found.isidentifier():  # `def network n {`
        end = broken.offset + len(broken.found)
        following = _WORD.search(broken.text.text, end)
        if following and following[0] in broken.begins:
            yield _Edit(broken.start, broken.offset, end, " ", f"remove `{broken.found}`")


def _inserted(broken: Broken) -> Iterator[_Edit]:
    """A sign that is missing."""
    for at, word in _gaps(broken):
        for terminal, sign in _INSERTED.items():
            if terminal in broken.accepts and (sign != ";" or word in broken.begins):
                yield _Edit(broken.start, at, at, sign, again=True)
    if "LPAR" in broken.accepts and not broken.found:
        yield _Edit(broken.start, broken.offset, broken.offset, "()")


def _completed(broken: Broken) -> Iterator[_Edit]:
    """A keyword that is missing. Places with a dot are axes of arrays, where loops are parallel."""
    missing = keywords(broken.accepts) - {"for" if "." in broken.before else "parallel"}
    for at, word in _gaps(broken):
        for keyword in missing if word else ():
            yield _Edit(broken.start, at, at, f" {keyword} ")


def _habitual(broken: Broken) -> Iterator[_Edit]:
    """The statement as it would be written elsewhere; a type, or another word too many, before what is refused."""
    text = broken.text.text
    for pattern, replacement in _HABITS:
        if found := pattern.search(text, broken.start, broken.whole):
            yield _Edit(broken.start, found.start(), found.end(), replacement(found))
    if broken.block == "operator" and "(" in text[broken.start : broken.end]:
        statement = text[broken.start : broken.end]
        yield _Edit(broken.start, broken.start, broken.end, statement.translate(str.maketrans("()", "[]")))
    last = _LAST_WORD.search(broken.before)
    if last and broken.found.isidentifier() and last[1] != broken.first_word:
        yield _Edit(broken.start, broken.start + last.start(), broken.offset, "", f"remove `{last[1]}`")


def _gaps(broken: Broken) -> Iterator[tuple[int, str]]:
    """Where something may be missing, and the word or sign behind that: at the offset, or before the word in front of it,
    which a number took for its unit (`K 4 C 2`)."""
    text = broken.text.text
    if (at := len(text[: broken.offset].rstrip())) > broken.start:
        yield at, broken.found
    last = _LAST_WORD.search(broken.before)
    if last and re.search(r"\d\s+\Z", broken.before[: last.start()]):
        yield len(text[: broken.start + last.start()].rstrip()), last[1]
