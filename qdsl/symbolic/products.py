"""Products of whole numbers with few multiplications.

Counts are products of many factors, the loops of a nest, and these may be multiplied in any order. So a pair of factors that
several products have is multiplied once, the most frequent first: not always the best choice, but close to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import combinations
from typing import TypeAlias

from qdsl.symbolic.trace import Graph, Node

# ("node", its index), ("constant", its value) or ("pair", its number).
Factor: TypeAlias = tuple[str, int]
Pair: TypeAlias = tuple[Factor, Factor]


@dataclass(frozen=True)
class Products:
    """factors: what is left to multiply, by index of the product; pairs: by number."""

    factors: Mapping[int, tuple[Factor, ...]]
    pairs: Sequence[Pair]


def shared_products(graph: Graph, needed: Iterable[int]) -> Products:
    """Of the whole products among some nodes."""
    products = {}
    for index in needed:
        factors = graph.factors(index)
        if len(factors) > 1:
            products[index] = Counter(
                ("node", x.index) if isinstance(x, Node) else ("constant", int(x)) for x in factors
            )
    pairs = _share(list(products.values()))
    return Products({i: tuple(sorted(product.elements())) for i, product in products.items()}, pairs)


def _share(products: Sequence[Counter[Factor]]) -> list[Pair]:
    """Puts pairs in place of what several products have in common; the pairs by number."""
    users: dict[Pair, set[int]] = {}
    for i, product in enumerate(products):
        for pair in combinations(sorted(product), 2):
            users.setdefault(pair, set()).add(i)
    # pairs that few products have never get more: new pairs have a new factor
    users = {pair: found for pair, found in users.items() if len(found) > 1}
    frequent = [(-len(found), pair) for pair, found in users.items()]
    heapify(frequent)
    pairs: list[Pair] = []
    while frequent:
        expected, best = heappop(frequent)
        if -expected > len(users[best]):  # other pairs took products since
            if len(users[best]) > 1:
                heappush(frequent, (-len(users[best]), best))
            continue
        new = ("pair", len(pairs))
        pairs.append(best)
        with_new: dict[Pair, set[int]] = {}
        for i in users.pop(best):
            for factor in _remove(products[i], best):
                for other in products[i]:
                    users.get(_ordered(factor, other), set()).discard(i)
            for other in products[i]:
                with_new.setdefault(_ordered(new, other), set()).add(i)
            products[i][new] += 1
        for pair, found in with_new.items():
            if len(found) > 1:
                users[pair] = found
                heappush(frequent, (-len(found), pair))
    return pairs


def _remove(product: Counter[Factor], pair: Pair) -> list[Factor]:
    """Takes a pair out of a product. Which of the two it does not have any more."""
    product.subtract(pair)
    gone = [factor for factor in pair if not product[factor]]
    for factor in gone:
        del product[factor]
    return gone


def _ordered(a: Factor, b: Factor) -> Pair:
    return (a, b) if a < b else (b, a)
