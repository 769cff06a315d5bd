from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.build.rootfs import layer_store, prepare_root
from lightship.errors import IntegrityError
from lightship.events import SilentReporter
from lightship.fs.entries import Entry, regular, symlink
from lightship.inspect import watch
from lightship.inspect.checks import bytecode, configuration, waste
from lightship.inspect.contents import open_contents
from lightship.inspect.facts import LayerFacts
from lightship.inspect.reading import know_layers
from lightship.inspect.scan import Compiled, hash_source
from lightship.oci.layout import LayoutImage
from tests.support.elves import elf
from tests.unit.inspect.gallery.making import GOOD, LIB, RANDOM, SITE, clean_layer

MakeImage = Callable[..., LayoutImage]
SOURCE = b"import fast\n"
HEADER = (3495).to_bytes(2, "little") + b"\r\n\1\0\0\0"
LIBRARY = elf(["libc.so.6"], soname="libbig.so").ljust(3_000_000, b"\1")
WEIGHTS = hashlib.sha256(b"weights").digest() * 50_000


def pyc(source: bytes = SOURCE) -> bytes:
    return HEADER + hash_source(Compiled(HEADER), source) + b"\xe3"


def everything() -> list[Entry]:
    return [
        *clean_layer(),
        regular(f"{SITE}/big/libbig.so", LIBRARY, 0o755),
        regular("app/weights.bin", WEIGHTS),
        regular("app/.env", f"SIGNING_SECRET={RANDOM}\n".encode()),
        regular("app/__pycache__/main.cpython-311.pyc", pyc()),
        regular("app/__pycache__/large.cpython-311.pyc", pyc() + bytes(2_000_000)),
        regular("app/large.py", SOURCE + b"#" * 2_000_000),
    ]


def facts(image: LayoutImage, cache: Path, *, unpack: bool = False) -> list[LayerFacts]:
    known = know_layers(image.layers, cache=cache, reporter=SilentReporter(), unpack=unpack)
    return [each.facts for each in known]


def test_what_is_known_does_not_depend_on_how_a_layer_was_read(
    make_image: MakeImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make_image(everything())
    streamed = facts(image, tmp_path / "streamed")
    unpacked = facts(image, tmp_path / "unpacked", unpack=True)
    layer_store(tmp_path / "there").get_all(image.layers, SilentReporter())
    monkeypatch.setattr(watch, "_HELD", 1000)  # as an ELF file of hundreds of megabytes
    there = facts(image, tmp_path / "there")
    assert streamed == unpacked == there == facts(image, tmp_path / "streamed")


def test_facts_tell_of_large_files_too(make_image: MakeImage, tmp_path: Path) -> None:
    [found] = facts(make_image(everything()), tmp_path)
    numbers = {member.path: member.number for member in found.members}
    library, source = numbers[f"{SITE}/big/libbig.so"], numbers["app/large.py"]
    assert found.scan.elf[library].soname == "libbig.so"
    assert found.digest(library) == hashlib.sha256(LIBRARY).digest()
    assert found.digest(numbers["app/weights.bin"]) == hashlib.sha256(WEIGHTS).digest()
    assert found.scan.bytecode[numbers["app/__pycache__/main.cpython-311.pyc"]].source_hash == pyc()[8:16]
    assert HEADER[:4] in found.hashes[source]


def test_without_a_sandbox_nothing_is_unpacked(make_image: MakeImage, tmp_path: Path) -> None:
    facts(make_image(everything()), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name != "layout"] == ["facts"]


def test_a_layer_that_was_read_to_be_run_is_there_to_be_run(make_image: MakeImage, tmp_path: Path) -> None:
    image = make_image(everything())
    facts(image, tmp_path, unpack=True)
    image.layout.blob_path(image.layers[0].descriptor.digest).unlink()
    root = prepare_root(image, cache=tmp_path, reporter=SilentReporter())
    assert (root / "app/main.py").read_bytes() == SOURCE
    assert (root / "app/weights.bin").read_bytes() == WEIGHTS


def test_what_facts_do_not_say_is_read_from_the_layer(make_image: MakeImage, tmp_path: Path) -> None:
    link, real = symlink("etc/passwd", "../srv/users"), regular("srv/users", b"app:x:1001:1001::/:/none\n")
    execution = GOOD.__class__(user="app", healthcheck=GOOD.healthcheck)
    image = make_image([real], [link], execution=execution)
    contents = open_contents(image, cache=tmp_path, reporter=SilentReporter())
    assert list(configuration.check(contents)) == []
    store = layer_store(tmp_path)
    assert [store.has(layer.diff_id) for layer in image.layers] == [True, False]


@pytest.mark.parametrize("folder", ["app", LIB])
def test_bytecode_may_lie_in_another_layer_than_its_source(
    make_image: MakeImage, tmp_path: Path, folder: str
) -> None:
    compiled = f"{folder}/__pycache__/a.cpython-311.pyc"
    for number, source in enumerate((SOURCE, b"import slow\n")):
        image = make_image([regular(f"{folder}/a.py", SOURCE)], [regular(compiled, pyc(source))])
        contents = open_contents(image, cache=tmp_path / folder, reporter=SilentReporter())
        assert [finding.rule for finding in bytecode.check(contents)] == [bytecode.STALE.id] * number
        assert not (tmp_path / folder / "roots").exists()


def test_files_of_two_layers_are_compared_whole(make_image: MakeImage, tmp_path: Path) -> None:
    other = bytearray(WEIGHTS)
    other[70_001] ^= 1
    for above, again in ((WEIGHTS, True), (bytes(other), False)):
        image = make_image([regular("a", WEIGHTS)], [regular("a", above, 0o600)])
        contents = open_contents(image, cache=tmp_path, reporter=SilentReporter())
        assert [item.again for item in waste.wasted(contents)] == [again]


def test_of_a_layer_that_is_another_nothing_is_remembered(make_image: MakeImage, tmp_path: Path) -> None:
    image, other = make_image([regular("a", b"1")]), make_image([regular("a", b"2")])
    path = image.layout.blob_path(image.layers[0].descriptor.digest)
    path.write_bytes(image.layout.blob_path(other.layers[0].descriptor.digest).read_bytes())
    with pytest.raises(IntegrityError):
        facts(image, tmp_path)
    assert not (tmp_path / "facts").exists()
