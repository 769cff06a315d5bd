from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lightship.inspect.report.graph import find_roots, reachable, retained


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_what_a_node_frees_is_what_cannot_be_reached_without_it(pairs: list[tuple[int, int]]) -> None:
    edges = {str(node): tuple({str(b) for a, b in pairs if a == node}) for node in range(10)}
    sizes = {node: 1 << int(node) for node in edges}
    roots = find_roots(edges, ())
    found = retained(roots, edges, sizes)
    for node in edges:
        without = {other: tuple(t for t in targets if t != node) for other, targets in edges.items()}
        left = reachable([root for root in roots if root != node], without) - {node}
        assert found[node] == sum(sizes[other] for other in edges if other not in left)
