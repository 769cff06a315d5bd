"""Cutting leaflets into passages."""

from itertools import pairwise

import pytest

from app.passages import OVERLAP, SIZE, split


def test_a_short_text_is_one_passage() -> None:
    assert split("Take with food.") == ["Take with food."]


@pytest.mark.parametrize("length", [SIZE - 1, SIZE, SIZE + 1, 2 * SIZE, 10 * SIZE + 7])
def test_every_word_is_in_a_passage_and_none_is_cut(length: int) -> None:
    text = " ".join(f"word{number}" for number in range(length))[:length].strip()
    passages = split(text)
    assert all(len(passage) <= SIZE for passage in passages)
    assert {word for passage in passages for word in passage.split()} == set(text.split())


def test_neighbours_overlap() -> None:
    text = " ".join(f"word{number}" for number in range(1000))
    passages = split(text)
    for left, right in pairwise(passages):
        assert right[: OVERLAP // 2] in left


def test_a_text_without_spaces_is_cut_all_the_same() -> None:
    text = "a" * (3 * SIZE)
    passages = split(text)
    assert all(passage and len(passage) <= SIZE for passage in passages)
    assert sum(map(len, passages)) >= len(text)


def test_white_space_alone_makes_no_passage() -> None:
    assert split("a" + "\n" * (5 * SIZE) + "b") == ["a", "b"]
