from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from lightship.build.savings import Savings, count_savings
from lightship.project.config import Config
from tests.support.projects import CONFIG, Workshop
from tests.support.wheels import wheel_bytes
from tests.unit.debs.forge import item, write_deb

UNTRIMMED = msgspec.structs.replace(CONFIG, trim="none")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    made = Workshop(tmp_path)
    made.add("numpy", wheel_bytes("numpy", "1.0", {"numpy/tests/a.py": b"123", "numpy/x.pyi": b"1"}))
    made.add("torch", wheel_bytes("torch", "1.0", {"torch/test/b": b"1" * 100, "torch/x.pyi": b"22"}))
    deb, path = write_deb(tmp_path / "archives", "manuals", [item("./usr/share/man/man1/a.1", b"12345")])
    made.debs = (*made.debs, deb)
    made.paths[deb.sha256] = path
    return made


def fetch(workshop: Workshop) -> None:
    archives = workshop.home.archives / "sha256"
    archives.mkdir(parents=True, exist_ok=True)
    for sha256, path in workshop.paths.items():
        shutil.copy(path, archives / sha256)


def count(workshop: Workshop, config: Config = CONFIG) -> Savings:
    return count_savings(workshop.plan(config), workshop.home)


def test_bytes_are_counted_by_rule_the_biggest_first(workshop: Workshop) -> None:
    fetch(workshop)
    found = count(workshop)
    assert [(each.rule, each.bytes, each.packages) for each in found.rules] == [
        ("torch-test-programs", 100, ("torch",)),
        ("documentation", 5, ("manuals",)),
        ("tests", 3, ("numpy",)),
        ("type-stubs", 3, ("numpy", "torch")),
    ]
    assert all(each.reason and each.proof for each in found.rules)
    assert (found.bytes, found.uncounted) == (111, 0)


def test_only_layers_from_which_something_is_left_out_change(workshop: Workshop) -> None:
    fetch(workshop)
    whole, trimmed = workshop.build(UNTRIMMED), workshop.build()
    saved = count(workshop).bytes - count(workshop, UNTRIMMED).bytes
    assert whole.unpacked - trimmed.unpacked > saved > 0
    assert {
        (one.title, other.title)
        for one, other in zip(whole.layers, trimmed.layers, strict=True)
        if one.record.descriptor != other.record.descriptor
    } == {(layer.title, layer.title) for layer in whole.layers if touched(layer.title)}


def touched(title: str) -> bool:
    return any(word in title for word in ("numpy", "torch"))


def test_archives_that_are_not_fetched_are_named_as_uncounted(workshop: Workshop) -> None:
    assert count(workshop) == Savings((), 6)
    fetch(workshop)
    assert count(workshop).uncounted == 0


def test_only_manuals_are_saved_at_level_none(workshop: Workshop) -> None:
    fetch(workshop)
    assert {each.rule for each in count(workshop, UNTRIMMED).rules} == {"documentation"}


def test_what_was_counted_once_is_remembered(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(workshop)
    before = count(workshop)
    monkeypatch.setattr("lightship.wheels.archive.open_wheel", None)
    monkeypatch.setattr("lightship.debs.unpack.data_members", None)
    assert count(workshop) == before
    workshop.add("later", wheel_bytes("later", "1.0", {"later.py": b""}))
    assert count(workshop).bytes == before.bytes, "archives that were counted are not read again"
