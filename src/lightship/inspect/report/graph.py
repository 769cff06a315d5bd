"""Who needs whom: chains from what was asked for, and what would go with a part.

The retained size of a node is that of the subtree below it in the dominator tree (Cooper, Harvey and Kennedy,
"A Simple, Fast Dominance Algorithm", 2001), as memory profilers have it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

Edges = Mapping[str, Sequence[str]]
"""What each node requires; every node is a key."""
_START = ""


def find_roots(edges: Edges, asked: Collection[str]) -> list[str]:
    """Name what is asked for and what nothing requires; of a circle that nothing else needs, the first."""
    required = {target for targets in edges.values() for target in targets}
    roots = [node for node in edges if node in asked or node not in required]
    seen = reachable(roots, edges)
    for node in edges:
        if node not in seen:
            roots.append(node)
            seen |= reachable([node], edges)
    return roots


def reachable(starts: Iterable[str], edges: Edges) -> set[str]:
    """Collect the starts and all that they require."""
    seen: set[str] = set()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(edges[node])
    return seen


def chains(roots: Iterable[str], edges: Edges) -> dict[str, tuple[str, ...]]:
    """Give the shortest way from a root to each node, both named; of several, that of the earlier root."""
    found: dict[str, tuple[str, ...]] = {root: (root,) for root in roots}
    queue = deque(found)
    while queue:
        node = queue.popleft()
        for target in edges[node]:
            if target not in found:
                found[target] = (*found[node], target)
                queue.append(target)
    return found


def retained(roots: Sequence[str], edges: Edges, sizes: Mapping[str, int]) -> dict[str, int]:
    """Add to each node's size those of the nodes that nothing but it leads to from the roots."""
    order = _postorder(roots, edges)
    above = _dominators(order, roots, edges)
    total = {node: sizes[node] for node in order if node != _START}
    for node in order:  # a node comes before the one that dominates it
        parent = above.get(node, _START)
        if _START not in (node, parent):
            total[parent] += total[node]
    return total


def _postorder(roots: Sequence[str], edges: Edges) -> list[str]:
    """List what is reachable, each after what it leads to; the start, which leads to the roots, is last."""
    order: list[str] = []
    seen = {_START}
    stack: list[tuple[str, Iterator[str]]] = [(_START, iter(roots))]
    while stack:
        node, targets = stack[-1]
        new = next((target for target in targets if target not in seen), None)
        if new is None:
            order.append(node)
            stack.pop()
        else:
            seen.add(new)
            stack.append((new, iter(edges[new])))
    return order


def _dominators(order: list[str], roots: Sequence[str], edges: Edges) -> dict[str, str]:
    """Name the nearest node that every way from the start to a node passes."""
    rank = {node: place for place, node in enumerate(order)}
    sources: dict[str, list[str]] = {node: [] for node in order}
    for node in order:
        for target in roots if node == _START else edges[node]:
            sources[target].append(node)
    found = {_START: _START}
    changed = True
    while changed:
        changed = False
        for node in reversed(order[:-1]):
            known = [source for source in sources[node] if source in found]
            nearest = known[0]
            for source in known[1:]:
                nearest = _common(nearest, source, found, rank)
            if found.get(node) != nearest:
                found[node] = nearest
                changed = True
    return found


def _common(one: str, other: str, found: Mapping[str, str], rank: Mapping[str, int]) -> str:
    while one != other:
        while rank[one] < rank[other]:
            one = found[one]
        while rank[other] < rank[one]:
            other = found[other]
    return one
