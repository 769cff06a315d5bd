from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lightship.wheels.preferences import contents_of, contents_of_lock, preferred

WHEEL = 'wheels = [{{ url = "https://{user}example.com/{name}.whl", hashes = {{ sha256 = "{digest}" }} }}]'


def package(name: str, version: str, *, digest: str = "00", user: str = "") -> str:
    wheel = WHEEL.format(name=name, digest=digest, user=user)
    return f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{wheel}\n'


def test_a_file_is_the_same_by_address_and_digest_whoever_fetches_it() -> None:
    (found,) = contents_of([package("a", "1")]).items()
    assert found == (("a", "1"), frozenset({("https://example.com/a.whl", "[('sha256', '00')]")}))
    assert contents_of([package("a", "1", user="me:secret@")]) == contents_of([package("a", "1")])
    assert contents_of([package("a", "1", digest="01")]) != contents_of([package("a", "1")])


def test_the_files_of_several_texts_come_together() -> None:
    both = contents_of([package("a", "1"), package("a", "1", digest="01"), package("b", "1")])
    assert {key: len(files) for key, files in both.items()} == {("a", "1"): 2, ("b", "1"): 1}


def test_what_no_index_has_is_told_apart_by_where_it_is() -> None:
    one, other = (f'[[packages]]\nname = "a"\ndirectory = {{ path = "{path}" }}\n' for path in ("x", "y"))
    assert contents_of([one]).keys() == contents_of([other]).keys() == {("a", "")}
    assert contents_of([one]) != contents_of([other])


def test_a_first_answer_is_preferred_to_a_lock(tmp_path: Path) -> None:
    lock = tmp_path / "pylock.toml"
    lock.write_text(package("a", "1") + package("b", "1"))
    packages = tomllib.loads(preferred(package("a", "2"), lock))["packages"]
    assert [(each["name"], each["version"]) for each in packages] == [("a", "2"), ("b", "1")]


@pytest.mark.parametrize("text", ["packages = 1", "[[packages]]\nname = 1", "[[packages]]\n", "\x00", "\xff"])
def test_a_damaged_lock_has_nothing(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "pylock.toml"
    lock.write_text(text, encoding="latin-1")
    assert contents_of_lock(lock) == {}
    assert contents_of_lock(tmp_path / "missing") == {}
    assert contents_of_lock(None) == {}
