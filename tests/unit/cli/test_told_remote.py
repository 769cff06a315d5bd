"""`inspect`, `diff` and `sbom` of a registry's image of which something tells without its layers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lightship.build.home import Home, find_home
from lightship.digest import Digest, of_bytes
from lightship.fs.entries import Entry, directory, regular, symlink
from lightship.oci.layout import LayoutImage
from lightship.oci.model import MEDIA_MANIFEST, Descriptor, Execution, Manifest, decode, encode
from lightship.oci.record import Compression
from tests.support.described import described_image
from tests.support.elves import elf
from tests.support.images import add_image, add_layer
from tests.support.installed import deb_in_folder, dist
from tests.support.registry import Registry
from tests.unit.cli.conftest import Lightship

NAME = "team/app"
BIG = bytes(range(256)) * 400
FROM_SCAN = "read from its scan, attached by whoever pushed it; --full reads the layers"
FROM_TABLES = (
    "read from its layers' tables of contents, which do not say what libraries need; --full reads the layers"
)
EXECUTION = Execution(working_dir="/app")


def layers(release: int = 1) -> list[list[Entry]]:
    """Give packages of both kinds, copies, a file that is stored twice, one that is replaced, and a link."""
    library = "usr/lib/libdemo.so.1"
    base = [
        *deb_in_folder("libdemo", {library: elf(soname="libdemo.so.1")}),
        regular("data/big", BIG),
        regular("data/other", BIG),
        regular("app/main.py", b"before"),
        directory("data/empty", 0o700),
    ]
    wheels = [
        *dist("torch", {"torch.py": b"x" * 5000, "torch.so": elf(needed=("libdemo.so.1",))}, requested=True),
        *dist("helper", {"helper.py": b"y" * 100}, requires=["torch"]),
    ]
    upper = [
        regular("data/big", BIG, 0o600),
        regular("app/main.py", b"release %d" % release),
        symlink("app/link", "main.py"),
        regular("app/empty", b""),
    ]
    return [base, wheels, upper]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home({"LIGHTSHIP_HOME": str(tmp_path / "home")}, tmp_path)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Go to a machine that has never seen anything."""
    homes = iter(range(99))

    def go() -> None:
        monkeypatch.setenv("LIGHTSHIP_HOME", str(tmp_path / f"machine-{next(homes)}"))

    return go


@pytest.fixture
def push(lightship: Lightship, registry: Registry, home: Home) -> Callable[..., str]:
    """Push a release, with documents or as eStargz, and give its name."""

    def call(*attest: str, release: int = 1, compression: Compression = Compression.GZIP) -> str:
        home.images.create()
        records = [add_layer(home.images, layer, compression) for layer in layers(release)]
        add_image(home.images, records, EXECUTION, f"app:{release}")
        name = f"{registry.host}/{NAME}:{release}"
        done = lightship("push", f"app:{release}", name, *(f"--attest={kind}" for kind in attest or ["none"]))
        assert done.code == 0, done.err
        return name

    return call


def fetched(registry: Registry, name: str) -> list[str]:
    """Name the layers of an image that were asked for whole."""
    tag = name.rpartition(":")[2]
    content = registry.content(NAME)
    _, data = content.manifests[content.tags[tag]]
    manifest = decode(data, Manifest, where="")
    whole = [asked.path for asked in registry.calls("GET", "/blobs/") if not asked.headers.get("Range")]
    return [layer.digest for layer in manifest.layers if any(layer.digest in path for path in whole)]


def ask(lightship: Lightship, *arguments: str) -> dict[str, Any]:
    done = lightship(*arguments, "--json")
    assert done.code == 0, done.err
    assert "warning" not in done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_an_image_is_inspected_through_its_scan_as_through_its_layers(
    lightship: Lightship, registry: Registry, push: Callable[..., str], elsewhere: Callable[[], None]
) -> None:
    name = push("scan")
    elsewhere()
    told = ask(lightship, "inspect", name)
    assert fetched(registry, name) == []
    whole = ask(lightship, "inspect", name, "--full")
    assert len(fetched(registry, name)) == 3
    assert (told.pop("basis"), whole.pop("basis")) == ("scan", "layers")
    assert told == whole
    assert {file["fate"] for file in told["waste"]["files"]} == {"repeated", "replaced"}
    assert told["waste"]["copies"] == [{"size": len(BIG), "paths": ["data/big", "data/other"]}]
    (torch,) = [part for part in told["parts"] if part["id"] == "python:torch"]
    assert torch["requires"] == ["debian:libdemo"]


def test_estargz_layers_are_inspected_through_their_tables_of_contents(
    lightship: Lightship, registry: Registry, push: Callable[..., str], elsewhere: Callable[[], None]
) -> None:
    name = push(compression=Compression.ESTARGZ)
    elsewhere()
    told = ask(lightship, "inspect", name)
    assert fetched(registry, name) == []
    whole = ask(lightship, "inspect", name, "--full")
    assert (told.pop("basis"), whole.pop("basis")) == ("tables-of-contents", "layers")
    of_needs = ("total", "frees", "why", "requires", "required_by")
    for found in (told, whole):
        found["parts"] = [
            {key: value for key, value in part.items() if key not in of_needs} for part in found["parts"]
        ]
    assert told == whole


def test_tables_of_contents_are_read_once(
    lightship: Lightship, registry: Registry, push: Callable[..., str], elsewhere: Callable[[], None]
) -> None:
    name = push(compression=Compression.ESTARGZ)
    elsewhere()
    first = ask(lightship, "inspect", name)
    registry.asked.clear()
    assert ask(lightship, "inspect", name) == first
    assert [asked for asked in registry.calls("GET", "/blobs/") if asked.headers.get("Range")] == []
    ask(lightship, "sbom", name)  # which reads other files, too
    assert fetched(registry, name) == []


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ESTARGZ])
def test_releases_are_compared_without_their_layers(
    lightship: Lightship,
    registry: Registry,
    push: Callable[..., str],
    elsewhere: Callable[[], None],
    compression: Compression,
) -> None:
    attest = "scan" if compression is Compression.GZIP else "none"
    names = [push(attest, release=release, compression=compression) for release in (1, 2)]
    elsewhere()
    told = ask(lightship, "diff", *names)
    assert [fetched(registry, name) for name in names] == [[], []]
    whole = ask(lightship, "diff", *names, "--full")
    basis = "scan" if compression is Compression.GZIP else "tables-of-contents"
    assert [told[side].pop("basis") for side in ("before", "after")] == [basis, basis]
    assert [whole[side].pop("basis") for side in ("before", "after")] == ["layers", "layers"]
    (change,) = [change for change in told["paths"] if change["path"] == "app/main.py"]
    assert (change["aspects"], change["offset"]) == (["content"], None)
    for found in (whole["paths"], whole["first"]["members"]):
        for each in found:
            each["offset"] = None
    assert told == whole


def test_what_is_here_and_what_is_told_are_compared(
    lightship: Lightship, registry: Registry, push: Callable[..., str], elsewhere: Callable[[], None]
) -> None:
    names = [push("scan", release=release) for release in (1, 2)]
    elsewhere()
    ask(lightship, "inspect", names[0], "--full")
    registry.asked.clear()
    told = ask(lightship, "diff", *names)
    assert [told[side]["basis"] for side in ("before", "after")] == ["layers", "scan"]
    assert [change["path"] for change in told["paths"]] == ["app/main.py"]
    assert fetched(registry, names[1]) == []


def test_the_terminal_and_the_page_say_what_was_read(
    lightship: Lightship, push: Callable[..., str], elsewhere: Callable[[], None], tmp_path: Path
) -> None:
    scanned, lazy = push("scan"), push(release=2, compression=Compression.ESTARGZ)
    elsewhere()
    assert FROM_SCAN in lightship("inspect", scanned).out
    assert FROM_TABLES in lightship("inspect", lazy).out
    page = tmp_path / "page.html"
    assert lightship("inspect", scanned, "--html", page).code == 0
    assert "read from its scan, attached by whoever pushed it" in page.read_text()
    shown = lightship("diff", scanned, lazy).out
    assert f"{scanned}: {FROM_SCAN}" in shown
    assert f"{lazy}: {FROM_TABLES}" in shown
    assert "~ app/main.py  content\n" in shown
    assert " read from " not in lightship("inspect", scanned, "--full").out


def add_described(home: Home, *, compression: Compression = Compression.GZIP) -> LayoutImage:
    image = described_image(home.images, name="app:1")
    if compression is Compression.GZIP:
        return image
    base = [regular("etc/os-release", b"ID=debian\n"), *deb_in_folder("libdemo", {})]
    records = [add_layer(home.images, layer, compression) for layer in (base, dist("torch", {}))]
    return add_image(home.images, records, EXECUTION, "app:1")


@dataclass(frozen=True)
class Case:
    """What is pushed, and what a bill of materials then is taken from."""

    basis: str
    attest: tuple[str, ...]
    compression: Compression = Compression.GZIP


@pytest.mark.parametrize(
    "case",
    [
        Case("attached", ("cyclonedx", "spdx")),
        Case("scan", ("scan",)),
        Case("tables-of-contents", ("none",), Compression.ESTARGZ),
    ],
    ids=lambda case: case.basis,
)
def test_a_bill_of_materials_is_the_same_without_the_layers(
    lightship: Lightship,
    registry: Registry,
    home: Home,
    elsewhere: Callable[[], None],
    tmp_path: Path,
    *,
    case: Case,
) -> None:
    add_described(home, compression=case.compression)
    name = f"{registry.host}/{NAME}:1"
    assert lightship("push", "app:1", name, *(f"--attest={kind}" for kind in case.attest)).code == 0
    for form in ("cyclonedx", "spdx"):
        elsewhere()
        registry.asked.clear()
        file = tmp_path / "sbom.json"
        told = ask(lightship, "sbom", name, "--format", form, "-o", str(file))
        assert fetched(registry, name) == []
        assert told.pop("basis") == case.basis
        document = json.loads(file.read_text())
        whole = ask(lightship, "sbom", name, "--format", form, "-o", str(file), "--full")
        assert document == json.loads(file.read_text())
        assert whole.pop("basis") == "layers"
        assert told == whole
        assert sum(told["packages"].values()) > 1


def test_what_a_bill_is_taken_from_is_said_beside_it(
    lightship: Lightship, registry: Registry, home: Home, elsewhere: Callable[[], None], tmp_path: Path
) -> None:
    add_described(home)
    name = f"{registry.host}/{NAME}:1"
    lightship("push", "app:1", name, "--attest", "cyclonedx")
    elsewhere()
    said = "taken from what is attached by whoever pushed it; --full reads the layers"
    printed = lightship("sbom", name)
    assert json.loads(printed.out)["bomFormat"] == "CycloneDX"
    assert said in printed.err
    assert said in lightship("sbom", name, "-o", tmp_path / "sbom.json").out


def test_layers_that_are_unpacked_are_not_fetched_for_a_bill(
    lightship: Lightship, registry: Registry, push: Callable[..., str], elsewhere: Callable[[], None]
) -> None:
    name = push()
    elsewhere()
    ask(lightship, "inspect", name)
    registry.asked.clear()
    assert ask(lightship, "sbom", name)["basis"] == "layers"
    assert fetched(registry, name) == []


def attach(registry: Registry, change: Callable[[bytes], bytes]) -> None:
    """Put a changed document in the place of the one that is attached."""
    manifests = registry.content(NAME).manifests
    ((digest, data),) = [(digest, data) for digest, (_, data) in manifests.items() if b"subject" in data]
    manifest = decode(data, Manifest, where="")
    (layer,) = manifest.layers
    blob = change(registry.blobs[layer.digest])
    layer = msgspec.structs.replace(layer, digest=registry.add_blob(NAME, blob), size=len(blob))
    changed = encode(msgspec.structs.replace(manifest, layers=(layer,)))
    del manifests[digest]
    manifests[of_bytes(changed)] = (MEDIA_MANIFEST, changed)


@pytest.mark.parametrize(
    ("form", "change", "words"),
    [
        ("cyclonedx", lambda _: b"{}", "it is no cyclonedx document"),
        ("cyclonedx", lambda _: b"[" * 5000, "it is no cyclonedx document"),
        ("spdx", lambda _: b"no JSON", "it is no statement"),
        ("spdx", lambda data: data.replace(b"sha256", b"sha512"), "the statement is about something else"),
        ("spdx", lambda data: data.replace(b"spdxVersion", b"version"), "it is no spdx document"),
    ],
)
def test_a_bill_that_is_none_is_told_and_the_layers_are_read(
    lightship: Lightship,
    registry: Registry,
    home: Home,
    elsewhere: Callable[[], None],
    *,
    form: str,
    change: Callable[[bytes], bytes],
    words: str,
) -> None:
    add_described(home)
    name = f"{registry.host}/{NAME}:1"
    lightship("push", "app:1", name, "--attest", form)
    attach(registry, change)
    elsewhere()
    done = lightship("sbom", name, "--format", form, "--json")
    assert "no bill of materials that is attached to the image is used: " in done.err
    assert words in done.err
    assert len(fetched(registry, name)) == 2


def test_a_table_of_contents_that_is_another_is_told_and_the_layers_are_read(
    lightship: Lightship, registry: Registry, push: Callable[..., str], elsewhere: Callable[[], None]
) -> None:
    name = push(compression=Compression.ESTARGZ)
    content = registry.content(NAME)
    _, data = content.manifests[content.tags["1"]]
    manifest = decode(data, Manifest, where="")
    lying = [lied(layer) for layer in manifest.layers]
    changed = encode(msgspec.structs.replace(manifest, layers=tuple(lying)))
    registry.add_manifest(NAME, "1", MEDIA_MANIFEST, changed)
    elsewhere()
    done = lightship("inspect", name, "--json")
    assert json.loads(done.out)["basis"] == "layers"
    assert "the layers' tables of contents are not used, and the layers are read: " in done.err
    assert "the table of contents is another one" in done.err
    assert len(fetched(registry, name)) == 3


def lied(layer: Descriptor) -> Descriptor:
    toc = "containerd.io/snapshot/stargz/toc.digest"
    return msgspec.structs.replace(
        layer, annotations={**layer.annotations, toc: Digest(f"sha256:{'0' * 64}")}
    )
