"""Dimensions whose sizes are linked: where one is split into two by a reshape, so are all that it is linked with.

A network regroups axes (32 channels become 4 heads of 8); an einsum does not. So the dimensions of the layers are split
until every regrouping is one of whole dimensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


class NotExpressible(Exception):
    """Why a node has no meaning in a network of the language."""


@dataclass(eq=False)
class _Extent:
    """What linked dimensions share. rigid: a window slides over it, so it cannot be split. same: the one it became."""

    size: int
    rigid: bool = False
    parts: tuple[_Extent, ...] = ()
    same: _Extent | None = None

    def root(self) -> _Extent:
        return self.same.root() if self.same else self


@dataclass(eq=False)
class Dim:
    """A dimension of one layer or an axis of one activation. letter: what it would be called."""

    extent: _Extent
    letter: str
    _parts: tuple[Dim, ...] = field(default=(), init=False)

    @classmethod
    def of(cls, size: int, letter: str, rigid: bool = False) -> Dim:
        return cls(_Extent(size, rigid), letter)

    @property
    def size(self) -> int:
        return self.extent.root().size

    def twin(self, letter: str) -> Dim:
        """Another dimension that is split as this one is."""
        return Dim(self.extent, letter)

    def leaves(self) -> tuple[Dim, ...]:
        """What it is split into, outermost first; itself if it is whole. The same objects each time."""
        return tuple(leaves(self.parts())) or (self,)

    def parts(self) -> tuple[Dim, ...]:
        """The two that it is split into; none if it is whole."""
        if not self._parts:
            self._parts = tuple(Dim(p, self.letter) for p in self.extent.root().parts)
        return self._parts

    def fix(self) -> None:
        """Lets no later reshape split it. Raises NotExpressible if one has."""
        if self.extent.root().parts:
            raise NotExpressible("a window slides over an axis that a reshape splits")
        self.extent.root().rigid = True

    def split(self, outer: int) -> None:
        """Into `outer` times the rest. Raises NotExpressible if a window slides over it."""
        root = self.extent.root()
        if root.rigid:
            raise NotExpressible("a reshape splits an axis that a window slides over")
        root.parts = (_Extent(outer), _Extent(root.size // outer))


def leaves(dims: Iterable[Dim]) -> list[Dim]:
    return [x for d in dims for x in d.leaves()]


def link(left: Iterable[Dim], right: Iterable[Dim]) -> None:
    """Splits both until they are equal, size by size, and links them; sizes of 1 stay apart. Raises NotExpressible if their
    sizes have no common split."""
    a, b = ([d for d in leaves(side) if d.size > 1] for side in (left, right))
    while a and b:
        x, y = a[0], b[0]
        if x.size == y.size:
            _join(x.extent.root(), y.extent.root())
            a, b = a[1:], b[1:]
        elif max(x.size, y.size) % min(x.size, y.size):
            raise NotExpressible(f"axes of {x.size} and {y.size} have no common split")
        elif x.size > y.size:
            x.split(y.size)
        else:
            y.split(x.size)
        a, b = leaves(a), leaves(b)
    if a or b:
        raise NotExpressible("the shapes do not agree")


def _join(kept: _Extent, gone: _Extent) -> None:
    if kept is not gone:
        kept.rigid = kept.rigid or gone.rigid
        gone.same = kept


def regroup(dims: Iterable[Dim], shape: Sequence[int]) -> list[tuple[Dim, ...]]:
    """The dimensions that make each axis of a shape of as many values, split where an axis ends inside one.

    A dimension of size 1 stays beside its neighbours, so that none is lost. Raises NotExpressible if no split does it.
    """
    rest = leaves(dims)
    groups: list[list[Dim]] = []
    for size in shape:
        group: list[Dim] = []
        need = size
        if size == 1 and rest and rest[0].size == 1:
            group.append(rest.pop(0))
        while need > 1:
            if not rest:
                raise NotExpressible("the shapes do not agree")
            first = rest[0]
            if need % first.size == 0:
                group.append(rest.pop(0))
                need //= first.size
            elif first.size % need == 0:
                first.split(need)
                rest = leaves(rest)
            else:
                raise NotExpressible(f"an axis of {first.size} has no part of {need}")
        groups.append(group)
    if any(d.size > 1 for d in rest):
        raise NotExpressible("the shapes do not agree")
    if groups:
        groups[-1].extend(rest)
    return [tuple(leaves(g)) for g in groups]
