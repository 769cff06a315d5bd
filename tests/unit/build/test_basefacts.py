from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from lightship.build.basefacts import ReadImage, read_pinned
from lightship.build.images import LayoutSource
from lightship.build.machine import Machine
from lightship.debs.ldcache import Library, write_cache
from lightship.debs.model import InstalledDeb
from lightship.errors import IntegrityError, UsageError
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_MANIFEST, encode
from lightship.plan.base import BaseFacts, Interpreter, SizedFile
from lightship.platform import Platform
from tests.support.bases import LIB, LOADER, MERGED, base_image, debian_files, program
from tests.support.elves import AARCH64, elf
from tests.support.locked import AMD64, Locked

Read = Callable[..., BaseFacts]


def read_image(image: LayoutImage, platform: Platform, machine: Machine) -> ReadImage:
    return read_pinned(LayoutSource(image.layout), image.descriptor.digest, platform, machine)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def read(layout: Layout, tmp_path: Path) -> Read:
    def run(
        files: Mapping[str, bytes] | None = None,
        platform: Platform = AMD64,
        *,
        links: Mapping[str, str] = MERGED,
        env: tuple[str, ...] = (),
    ) -> BaseFacts:
        image = base_image(layout, files, links=links, env=env)
        return read_image(image, platform, Locked(tmp_path).machine()).facts

    return run


def test_a_debian_is_read(read: Read) -> None:
    assert read() == BaseFacts(
        pythons=(Interpreter("/usr/bin/python3.11", "3.11.2"),),
        libc="glibc",
        glibc=(2, 36),
        os_id="debian",
        os_version="12",
        codename="bookworm",
        users="root:x:0:0:root:/root:/bin/bash\n",
        groups="root:x:0:\n",
        packages=(InstalledDeb("libc6", "2.36-9", "amd64"),),
        libraries=("libc.so.6",),
        links={path: target for path, target in MERGED.items() if path in ("bin", "lib")},
    )


def test_pythons_are_found_in_the_order_of_the_search_path(read: Read) -> None:
    files = debian_files() | {
        "opt/conda/bin/python3.12": program("3.12.7"),
        "usr/local/bin/python3.11": program("3.11.9"),
        "usr/local/bin/python3.11-config": b"#!/bin/sh",
        "usr/local/bin/python3.13": b"#!/bin/sh\n# no program\n",
    }
    links = {**MERGED, "usr/local/bin/python3": "python3.11", "usr/local/bin/python3.10": "/gone"}
    found = read(files, links=links, env=("PATH=/opt/conda/bin:/usr/bin",)).pythons
    assert [(each.path, each.version) for each in found] == [
        ("/opt/conda/bin/python3.12", "3.12.7"),
        ("/usr/bin/python3.11", "3.11.2"),
        ("/usr/local/bin/python3.11", "3.11.9"),
    ]


def test_a_version_is_told_by_the_header_the_program_or_its_library(read: Read) -> None:
    header = b'#define PY_VERSION      \t"3.11.9+"\n'
    plain = elf(["libpython3.11.so.1.0"], interpreter=LOADER)
    binary = {"usr/local/bin/python3.11": plain}
    library = {"usr/local/lib/libpython3.11.so.1.0": elf() + b"/opt/versions/3.11.7\0"}
    for files, version in (
        ({**binary, "usr/local/include/python3.11/patchlevel.h": header, **library}, "3.11.9"),
        ({**binary, **library}, "3.11.7"),
        ({"usr/local/bin/python3.11": plain + b"\x003.11.0rc2+\0"}, "3.11.0rc2"),
    ):
        assert [each.version for each in read(files).pythons] == [version]
    assert read(binary).pythons == ()


def test_pypy_is_told_from_cpython(read: Read) -> None:
    files = {"opt/pypy/bin/pypy3.11": program("3.11.9")}
    links = {"usr/bin/python3.11": "../../opt/pypy/bin/pypy3.11"}
    (found,) = read(files, links=links).pythons
    assert found == Interpreter("/usr/bin/python3.11", "3.11.9", is_cpython=False)


def test_programs_for_another_machine_do_not_count(read: Read) -> None:
    other = elf(["libc.so.6"], interpreter=LOADER, machine=AARCH64) + b"\x003.11.2\0"
    files = {"usr/bin/python3.11": other, f"{LIB}/libx.so.1": elf(soname="libx.so.1", machine=AARCH64)}
    assert (read(files).pythons, read(files).libraries) == ((), ())
    assert read(files, Platform("arm64")).pythons == (Interpreter("/usr/bin/python3.11", "3.11.2"),)


def test_musl_is_no_glibc(read: Read) -> None:
    files = {"usr/bin/python3.11": program("3.11.2"), "usr/lib/ld-musl-x86_64.so.1": elf()}
    facts = read(files)
    assert (facts.libc, facts.glibc) == ("musl", (0, 0))
    assert read({"usr/bin/python3.11": program("3.11.2")}).libc == ""


def test_libraries_are_those_that_the_loader_finds(read: Read) -> None:
    cache = write_cache(
        [Library("libodd.so.1", "/opt/odd/libodd.so.1.5"), Library("libgone.so.1", "/opt/gone.so")], AMD64
    )
    files = {
        f"{LIB}/libz.so.1.2": elf(),
        f"{LIB}/deep/libdeep.so.1": elf(),
        f"{LIB}/libtext.so.1": b"no library at all, just text",
        "etc/ld.so.cache": cache,
        "opt/odd/libodd.so.1.5": elf(),
        "opt/own/libown.so": elf(),
        "usr/lib64/libred.so.1": elf(),
    }
    links = {**MERGED, f"{LIB}/libz.so.1": "libz.so.1.2", f"{LIB}/libloop.so": "libloop.so"}
    facts = read(files, links=links, env=("LD_LIBRARY_PATH=/opt/own::relative",))
    assert facts.libraries == ("libodd.so.1", "libown.so", "libred.so.1", "libz.so.1", "libz.so.1.2")
    assert facts.cached == (("libodd.so.1", "/opt/odd/libodd.so.1.5"),)


def test_packages_of_distroless_images_are_read(read: Read) -> None:
    files = {
        "var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 12\nArchitecture: amd64\n",
        "var/lib/dpkg/status.d/base.md5sums": b"0123  etc/x\n",
    }
    assert [package.name for package in read(files).packages] == ["base-files"]


def test_cudas_own_libraries_are_found_and_not_those_of_wheels(read: Read) -> None:
    files = {
        "usr/local/cuda-12.4/lib64/libcublas.so.12.4.5.8": bytes(900),
        "usr/local/cuda-12.4/lib64/libcudart.so.12.4.127": bytes(100),
        "usr/local/cuda-12.4/lib64/libcudart_static.a": bytes(5000),
        f"{LIB}/libcudnn_ops.so.9.1.0": bytes(500),
        f"{LIB}/libcuda.so.1": bytes(5000),
        "usr/lib/python3/dist-packages/nvidia/lib/libcublas.so.12": bytes(9000),
    }
    links = {
        **MERGED,
        "usr/local/cuda": "cuda-12.4",
        "usr/local/cuda-12.4/lib64/libcudart.so": "libcudart.so.12.4.127",
    }
    assert read(files, links=links).cuda == (
        SizedFile("usr/local/cuda-12.4/lib64/libcublas.so.12.4.5.8", 900),
        SizedFile(f"{LIB}/libcudnn_ops.so.9.1.0", 500),
        SizedFile("usr/local/cuda-12.4/lib64/libcudart.so.12.4.127", 100),
    )


def test_links_to_folders_and_another_environment_are_noticed(read: Read) -> None:
    files = {"data/srv/x": b"", "usr/bin/x": b"", "opt/venv/pyvenv.cfg": b""}
    links = {
        "srv2": "/data/srv",
        "bin": "usr/bin",
        "usr/file": "bin/x",
        "var/lost": "../gone",
        "data/a": "srv",
    }
    facts = read(files, links=links)
    assert facts.links == {"srv2": "data/srv", "bin": "usr/bin", "data/a": "data/srv"}
    assert facts.has_environment
    assert not facts.is_merged


def test_an_image_is_read_once(layout: Layout, tmp_path: Path) -> None:
    machine = Locked(tmp_path).machine()
    image = base_image(layout, env=("A=1",))
    first = read_image(image, AMD64, machine)
    assert [record.descriptor for record in first.layers] == list(image.manifest.layers)
    assert [record.diff_id for record in first.layers] == list(image.config.rootfs.diff_ids)
    assert all(record.unpacked % 512 == 0 for record in first.layers)
    assert first.execution.env == ("A=1",)
    for layer in image.manifest.layers:
        layout.blob_path(layer.digest).unlink()
    assert read_image(image, AMD64, machine) == first


def test_a_damaged_layer_is_an_error_and_nothing_is_remembered(layout: Layout, tmp_path: Path) -> None:
    image = base_image(layout)
    blob = layout.blob_path(image.manifest.layers[0].digest)
    good = blob.read_bytes()
    blob.write_bytes(good[:-20])
    with pytest.raises(IntegrityError):
        read_image(image, AMD64, Locked(tmp_path).machine())
    blob.write_bytes(good)
    assert read_image(image, AMD64, Locked(tmp_path).machine()).facts.pythons


def test_layers_of_dockers_own_types_are_refused(layout: Layout, tmp_path: Path) -> None:
    image = base_image(layout)
    docker = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    layers = tuple(changed(layer, media_type=docker) for layer in image.manifest.layers)
    other = LayoutImage(layout, layout.write(MEDIA_MANIFEST, encode(changed(image.manifest, layers=layers))))
    with pytest.raises(UsageError, match=f"a layer of type {docker}") as error:
        read_image(other, AMD64, Locked(tmp_path).machine())
    assert "skopeo copy --format oci" in error.value.hint
