from __future__ import annotations

import msgspec
import pytest
from packaging.utils import canonicalize_name

from lightship.wheels.dlopen import Hint, hints_for, known_hints


def test_every_hint_can_apply() -> None:
    for name, hint in known_hints().items():
        names = (name, *hint.unless)
        assert tuple(map(canonicalize_name, names)) == names
        assert name not in hint.unless
        assert hint.libraries or hint.programs or hint.instead
        assert canonicalize_name(hint.instead) == hint.instead
        assert all(soname.startswith("lib") and ".so." in soname for soname in hint.libraries)
        assert all(program and "/" not in program for program in hint.programs)


def test_the_table_is_in_order() -> None:
    assert list(known_hints()) == sorted(known_hints())
    for hint in known_hints().values():
        assert list(hint.libraries) == sorted(set(hint.libraries))
        assert list(hint.programs) == sorted(set(hint.programs))


def test_only_distributions_that_are_there_are_hinted_at() -> None:
    assert set(hints_for({"python-magic", "fastapi"})) == {"python-magic"}
    assert hints_for({"fastapi"}) == {}


def test_what_makes_up_for_it_silences_a_hint() -> None:
    assert hints_for({"psycopg"})["psycopg"].libraries == ("libpq.so.5",)
    assert hints_for({"psycopg", "psycopg-binary"}) == {}


def test_a_misspelt_key_in_the_table_would_be_noticed() -> None:
    with pytest.raises(msgspec.ValidationError, match="librairies"):
        msgspec.toml.decode('[x]\nlibrairies = ["a"]\n', type=dict[str, Hint])
