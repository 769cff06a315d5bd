"""`verify` at the command line: what it is given, what it says, what it answers to bad input."""

from __future__ import annotations

import gzip
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.digest import of_bytes
from lightship.errors import UsageError
from lightship.fs.entries import Entry, directory, regular, symlink
from lightship.oci.index import write_index
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_CONFIG, MEDIA_LAYER_GZIP, MEDIA_MANIFEST, Descriptor, Execution, encode
from lightship.oci.record import LayerRecord
from lightship.oci.unpack import Limits
from tests.support.elves import elf
from tests.support.images import add_image, add_layer, hello_image
from tests.support.tars import member, tar_of
from tests.unit.cli.conftest import Lightship
from tests.unit.inspect.gallery.making import GOOD

SHELL = regular("bin/sh", elf(), 0o755)


@pytest.fixture(autouse=True)
def without_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of these images runs; the current folder is nobody's project."""

    def find(_: str) -> None:
        raise UsageError("bwrap is not installed")

    monkeypatch.setattr("lightship.build.sandbox.Sandbox.find", find)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "layout")
    made.create()
    return made


def image_of(layout: Layout, *entries: Entry, execution: Execution = GOOD) -> LayoutImage:
    return add_image(layout, [add_layer(layout, [regular("a", b""), *entries])], execution, "app:1")


def foreign(layout: Layout, **changes: str) -> LayoutImage:
    """Give an image that says it is for another platform."""
    image = image_of(layout)
    config = layout.write(MEDIA_CONFIG, encode(replace(image.config, **changes)))
    descriptor = layout.write(MEDIA_MANIFEST, encode(replace(image.manifest, config=config)))
    layout.tag("app:1", descriptor)
    return layout.image(descriptor)


def archive_of(layout: Layout, path: Path) -> Path:
    """Pack a layout as `skopeo copy … oci-archive:` does."""
    with tarfile.open(path, "w") as archive:
        for name in ("oci-layout", "index.json", "blobs"):
            archive.add(layout.path / name, name)
    return path


def saved_of(image: LayoutImage, path: Path, *, ended_at: float = 1.0) -> Path:
    """Write what `docker save` does, or the beginning of it."""
    names = [f"{layer.descriptor.digest[7:]}/layer.tar" for layer in image.layers]
    manifest = json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": names}]).encode()
    blobs = [b"".join(layer.chunks()) for layer in image.layers]
    files = [
        *zip(names, blobs, strict=True),
        ("config.json", encode(image.config)),
        ("manifest.json", manifest),
    ]
    data = tar_of(*(member(name, content) for name, content in files))
    path.write_bytes(data[: int(len(data) * ended_at)])
    return path


def test_findings_of_a_rule_are_one_block(lightship: Lightship, layout: Layout) -> None:
    shells = [symlink(f"opt/{number}/bin/sh", "/bin/sh") for number in range(7)]
    image_of(layout, SHELL, *shells)
    shown = lightship("verify", f"oci:{layout.path}")
    lines = shown.out.splitlines()
    assert lines[0] == "warning: no shell: not so in 8 places [LV103-shell]"
    assert lines[1] == "  bin/sh: the image has sh"
    assert lines[6:8] == [
        "  … and 3 more (-v shows all)",
        "  try: start the service by a list of words (`command`), and leave the shell's package out",
    ]
    assert "app:1 passed: 1 warning, 1 note" in shown.out
    assert shown.code == 0
    assert lightship("verify", f"oci:{layout.path}", "--strict").code == 1
    every = lightship("verify", f"oci:{layout.path}", "-v").out
    assert "opt/6/bin/sh: the image has sh (a link to /bin/sh)" in every


def test_a_project_says_what_it_accepts(lightship: Lightship, layout: Layout) -> None:
    image_of(layout, SHELL, regular("usr/include/a.h", b""))
    Path("pyproject.toml").write_text(
        '[tool.lightship.verify]\nlabels = ["team"]\n'
        "[tool.lightship.verify.ignore]\n"
        '"LV103-shell:bin/*" = "of the base"\n"LV112-static-library" = "old"\n'
        '[tool.lightship.verify.severity]\n"LV111-header" = "note"\n'
    )
    shown = lightship("verify", f"oci:{layout.path}", "--json", "-q")
    report = json.loads(shown.out)
    assert [(item["severity"], item["rule"]) for item in report["findings"]] == [
        ("error", "LV312-missing-label"),
        ("note", "LV001-unused-ignore"),
        ("note", "LV111-header"),
        ("note", "LV505-imports-not-tried"),
    ]
    [accepted] = report["accepted"]
    assert (accepted["finding"]["where"], accepted["reason"]) == ("bin/sh", "of the base")
    assert shown.code == 1
    Path("pyproject.toml").write_text('[tool.lightship.verify.ignore]\n"LV103" = "of the base"\n')
    refused = lightship("verify", f"oci:{layout.path}")
    assert refused.code == 2
    assert "unknown rule 'LV103'" in refused.err
    assert "at:  pyproject.toml" in refused.err
    assert "did you mean LV103-shell?" in refused.err


def test_sarif_has_the_findings_and_what_was_accepted(lightship: Lightship, layout: Layout) -> None:
    image_of(layout, SHELL, regular("usr/bin/gcc", elf(), 0o755))
    ignore = "LV103-shell=of the base"
    shown = lightship("verify", f"oci:{layout.path}", "--sarif", "-q", "--ignore", ignore)
    [run] = json.loads(shown.out)["runs"]
    results = {result["ruleId"]: result for result in run["results"]}
    assert set(results) == {"LV101-compiler", "LV103-shell", "LV505-imports-not-tried"}
    assert results["LV103-shell"]["suppressions"] == [{"kind": "external", "justification": "of the base"}]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert shown.code == 1
    assert lightship("verify", f"oci:{layout.path}", "--sarif", "--json").code == 2


@pytest.mark.parametrize("prefix", ["", "docker-archive:"])
def test_what_docker_saves_is_verified(
    lightship: Lightship, layout: Layout, tmp_path: Path, prefix: str
) -> None:
    file = saved_of(image_of(layout, SHELL), tmp_path / "saved.tar")
    report = json.loads(lightship("verify", f"{prefix}{file}", "--json", "-q").out)
    assert (report["name"], report["layers"]) == ("saved.tar", 1)
    assert "LV103-shell" in {item["rule"] for item in report["findings"]}
    assert list((tmp_path / "home/cache").glob("archive-*")) == []


def test_an_archive_of_a_layout_is_verified(lightship: Lightship, layout: Layout, tmp_path: Path) -> None:
    image_of(layout)
    file = archive_of(layout, tmp_path / "layout.tar")
    assert lightship("verify", f"oci-archive:{file}").code == 0
    hello_image(layout, name="other:1")
    several = lightship("verify", archive_of(layout, tmp_path / "two.tar"))
    assert (several.code, "the archive holds 2 images" in several.err) == (2, True)


def tampered(image: LayoutImage) -> None:
    path = image.layout.blob_path(image.layers[0].descriptor.digest)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def cut(image: LayoutImage) -> None:
    path = image.layout.blob_path(image.layers[0].descriptor.digest)
    path.write_bytes(path.read_bytes()[:-30])


def lied_about(image: LayoutImage) -> None:
    """Let the configuration name another content than the layer has."""
    rootfs = replace(image.config.rootfs, diff_ids=(of_bytes(b"another"),))
    _configure(image, rootfs=rootfs)


def short_of_a_layer(image: LayoutImage) -> None:
    _configure(image, rootfs=replace(image.config.rootfs, diff_ids=()))


def _configure(image: LayoutImage, **changes: object) -> None:
    layout = image.layout
    config = layout.write(MEDIA_CONFIG, encode(replace(image.config, **changes)))
    layout.tag("app:1", layout.write(MEDIA_MANIFEST, encode(replace(image.manifest, config=config))))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (tampered, "damaged"),
        (cut, "damaged"),
        (lied_about, "not what the image's configuration says"),
        (short_of_a_layer, "1 layers, but 0 diff IDs"),
    ],
)
def test_an_image_that_is_not_what_it_says_is_refused(
    lightship: Lightship, layout: Layout, damage: Callable[[LayoutImage], None], words: str
) -> None:
    image = image_of(layout, regular("b", bytes(range(256)) * 400))
    damage(image)
    refused = lightship("verify", f"oci:{layout.path}")
    assert refused.code == 6, refused.err
    assert words in refused.err


def test_a_file_that_is_no_image_is_refused(lightship: Lightship, layout: Layout, tmp_path: Path) -> None:
    good = saved_of(image_of(layout), tmp_path / "good.tar")
    texts = {
        "notes.txt": b"not an image\n",
        "empty.tar": b"",
        "packed.tar.gz": gzip.compress(good.read_bytes()),
    }
    for name, data in texts.items():
        (tmp_path / name).write_bytes(data)
        refused = lightship("verify", tmp_path / name)
        assert (refused.code, "not an archive" in refused.err) == (6, True), refused.err
        assert "try: save the image again" in refused.err
    other = tmp_path / "other.tar"
    other.write_bytes(tar_of(member("a.txt", b"1")))
    refused = lightship("verify", other)
    assert (refused.code, "not an archive of one image" in refused.err) == (6, True)
    missing = lightship("verify", f"docker-archive:{tmp_path}/none.tar")
    assert (missing.code, "there is no such file" in missing.err) == (2, True)


def test_a_truncated_archive_is_refused(lightship: Lightship, layout: Layout, tmp_path: Path) -> None:
    image = image_of(layout, regular("b", random.Random(1).randbytes(100_000)))  # noqa: S311 - no secret
    for ended_at in (0.05, 0.5, 0.9):
        refused = lightship("verify", saved_of(image, tmp_path / "cut.tar", ended_at=ended_at))
        assert refused.code == 6, refused.err
        assert "Traceback" not in refused.err


def bomb(layout: Layout, tar: bytes) -> None:
    blob = gzip.compress(tar, mtime=0)
    descriptor = Descriptor(MEDIA_LAYER_GZIP, layout.write(MEDIA_LAYER_GZIP, blob).digest, len(blob))
    add_image(layout, [LayerRecord(descriptor, of_bytes(tar), len(tar))], GOOD, "app:1")


def test_a_bomb_is_refused(
    lightship: Lightship, layout: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lightship.oci.unpack.LIMITS", Limits(free=1 << 20, ratio=100, members=50))
    bomb(layout, tar_of(member("zeros", bytes(5 << 20))))
    refused = lightship("verify", f"oci:{layout.path}")
    assert refused.code == 6
    assert "unpacks to more than 100 times its size, as a decompression bomb does" in refused.err
    bomb(layout, tar_of(*(member(str(number)) for number in range(60))))
    refused = lightship("verify", f"oci:{layout.path}")
    assert (refused.code, "holds more than 50 files" in refused.err) == (6, True)
    cache = tmp_path / "home/cache"
    assert [path for path in cache.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"os": "windows"}, "the image is for windows/amd64, whose programs are not known"),
        ({"architecture": "riscv64"}, "the image is for linux/riscv64, whose programs are not known"),
        ({"architecture": "arm"}, "the image is for linux/arm, whose programs are not known"),
    ],
)
def test_an_image_for_what_is_not_known_is_refused(
    lightship: Lightship, layout: Layout, changes: dict[str, str], words: str
) -> None:
    foreign(layout, **changes)
    refused = lightship("verify", f"oci:{layout.path}")
    assert (refused.code, words in refused.err) == (2, True), refused.err


def test_an_index_without_this_platform_is_refused(lightship: Lightship, layout: Layout) -> None:
    windows = foreign(layout, os="windows").descriptor
    layout.tag("app:1", write_index(layout, [windows]))
    refused = lightship("verify", f"oci:{layout.path}", "--platform", "linux/amd64")
    assert refused.code == 2
    assert "has no image for linux/amd64: it is for windows/amd64" in refused.err


def test_an_image_of_musl_is_looked_at_by_its_own_rules(lightship: Lightship, layout: Layout) -> None:
    musl = elf(soname="libc.musl-x86_64.so.1")
    image_of(
        layout,
        regular("lib/ld-musl-x86_64.so.1", musl, 0o755),
        symlink("lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"),
        directory("usr/local/lib"),
        regular("usr/local/lib/libpython3.12.so.1.0", elf(["libc.musl-x86_64.so.1"])),
        regular(
            "usr/local/bin/python3.12",
            elf(["libpython3.12.so.1.0"], interpreter="/lib/ld-musl-x86_64.so.1"),
            0o755,
        ),
        regular("usr/lib/python3.12/site-packages/x/_x.so", elf(["libc.so.6"])),
    )
    report = json.loads(lightship("verify", f"oci:{layout.path}", "--json", "-q").out)
    found = [(item["rule"], item["message"]) for item in report["findings"] if item["severity"] == "error"]
    assert found == [("LV201-missing-library", "needs libc.so.6, which is not in the image")]


def test_static_checks_alone_need_no_sandbox_and_no_warning(
    lightship: Lightship, layout: Layout, tmp_path: Path
) -> None:
    image_of(layout, SHELL)
    place = f"oci:{layout.path}"
    plain, static = (lightship("verify", place, *options, "--json") for options in ((), ("--static",)))
    assert "imports are not tried" in plain.err
    assert "imports are not tried" not in static.err
    assert json.loads(plain.out)["findings"] == json.loads(static.out)["findings"]
    assert not (tmp_path / "home/cache/roots").exists()


def test_static_and_start_are_two_wishes(lightship: Lightship, layout: Layout) -> None:
    image_of(layout)
    refused = lightship("verify", f"oci:{layout.path}", "--static", "--start")
    assert (refused.code, "--static runs nothing, and --start runs the image" in refused.err) == (2, True)


@pytest.mark.parametrize("option", [("--memory", "1GB"), ("--stop", "3")])
def test_limits_of_a_start_need_one(lightship: Lightship, layout: Layout, option: tuple[str, str]) -> None:
    image_of(layout)
    refused = lightship("verify", f"oci:{layout.path}", *option)
    assert refused.code == 2
    assert "give --start, too" in refused.err
