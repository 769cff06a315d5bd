"""A base of real packages works, and holds what Debian's own tools would have made."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from lightship.debs.lock import glibc_version, python_full_version
from lightship.debs.scripts import script_warnings
from lightship.debs.unpack import data_entries
from lightship.fs.entries import Kind
from tests.integration.debs.conftest import SAFE, Base

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("gpgv")]

PROGRAM = """
import bz2, ctypes, ctypes.util, curses, dbm.ndbm, grp, hashlib, json, locale, lzma, pwd, readline
import socket, sqlite3, ssl, sys, uuid, zlib, zoneinfo
libraries = {name: ctypes.util.find_library(name) for name in ("c", "crypto", "sqlite3", "ssl", "z")}
for name in libraries.values():
    ctypes.CDLL(name)
print(json.dumps({
    "version": sys.version.split()[0],
    "glibc": ctypes.CDLL("libc.so.6").gnu_get_libc_version and "%d.%d" % tuple(
        map(int, __import__("os").confstr("CS_GNU_LIBC_VERSION").split()[1].split("."))),
    "libraries": sorted(libraries),
    "certificates": ssl.create_default_context().cert_store_stats()["x509_ca"],
    "zone": zoneinfo.ZoneInfo("Europe/Berlin").key,
    "locale": locale.setlocale(locale.LC_ALL, "C.UTF-8"),
    "nobody": pwd.getpwnam("nobody").pw_uid,
    "staff": grp.getgrgid(50).gr_name,
    "localhost": socket.gethostbyname("localhost"),
    "port": socket.getservbyname("https"),
    "sqlite": sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0],
}))
"""


@pytest.mark.requires_tool("bwrap")
def test_python_runs_in_the_base_and_finds_its_libraries(native_base: Base) -> None:
    base = native_base
    isolate = ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-all", "--clearenv"]
    command = ["/usr/bin/bwrap", "--ro-bind", str(base.root), "/", *isolate, f"/usr/bin/python{base.python}"]
    done = subprocess.run([*command, "-c", PROGRAM], check=True, capture_output=True, text=True)
    said = json.loads(done.stdout)
    debs = list(base.debs)
    assert said.pop("version") == python_full_version(debs)
    assert said.pop("glibc") == "{}.{}".format(*glibc_version(debs))
    assert said.pop("certificates") > 100
    assert said == {
        "libraries": ["c", "crypto", "sqlite3", "ssl", "z"],
        "zone": "Europe/Berlin",
        "locale": "C.UTF-8",
        "nobody": 65534,
        "staff": "staff",
        "localhost": "127.0.0.1",
        "port": 443,
        "sqlite": 42,
    }


def test_every_library_that_is_needed_is_there(base: Base) -> None:
    names = ("usr/lib", f"usr/lib/{base.platform.multiarch}", "usr/lib64")
    folders = [base.root / name for name in names]
    missing = {
        (str(path), needed)
        for path in base.root.rglob("*")
        for needed in needs(path)
        # $ORIGIN is where iconv's tables find each other
        if not any((folder / needed).exists() for folder in (*folders, path.parent))
    }
    assert missing == set()


def needs(path: Path) -> list[str]:
    """DT_NEEDED of an ELF file; nothing for any other."""
    if path.is_symlink() or not path.is_file():
        return []
    with path.open("rb") as stream:
        if stream.read(4) != b"\x7fELF":
            return []
        dynamic = ELFFile(stream).get_section_by_name(".dynamic")
        if not isinstance(dynamic, DynamicSection):
            return []
        return [str(vars(tag)["needed"]) for tag in dynamic.iter_tags("DT_NEEDED")]


def test_the_cache_of_libraries_reads_like_ldconfigs_own(base: Base, tmp_path: Path) -> None:
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin")
    if ldconfig is None:
        pytest.skip("not on this machine: ldconfig")
    ours = listed(ldconfig, base.root / "etc/ld.so.cache")
    assert ours
    if platform.machine() != base.platform.machine:
        assert all("AArch64" in line for line in ours)
        return
    root = tmp_path / "root"
    shutil.copytree(base.root, root, symlinks=True)
    subprocess.run([ldconfig, "-r", str(root), "-X"], check=True)
    assert ours == listed(ldconfig, root / "etc/ld.so.cache")


def listed(ldconfig: str, cache: Path) -> list[str]:
    done = subprocess.run([ldconfig, "-p", "-C", str(cache)], check=True, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if "=>" in line]


def test_packages_unpack_as_dpkg_unpacks_them(base: Base, tmp_path: Path) -> None:
    dpkg = shutil.which("dpkg-deb") or pytest.skip("not on this machine: dpkg-deb")
    for deb, path in base.debs.items():
        folder = tmp_path / deb.name
        subprocess.run([dpkg, "-x", str(path), str(folder)], check=True)
        ours = {entry.path: entry for entry in data_entries(path, package=deb.name)}
        theirs = {str(each.relative_to(folder)): each for each in folder.rglob("*")}
        assert set(ours) == set(theirs)
        for name, entry in ours.items():
            status = theirs[name].lstat()
            assert (entry.uid, entry.gid) == (status.st_uid, status.st_gid)
            if entry.kind is Kind.SYMLINK:
                assert entry.target == str(theirs[name].readlink())
            else:
                assert entry.mode == stat.S_IMODE(status.st_mode)
            if entry.content is not None:
                assert b"".join(entry.content.chunks()) == theirs[name].read_bytes()


def test_digests_of_the_packages_hold_in_the_tree(base: Base) -> None:
    folder = base.root / "var/lib/dpkg/status.d"
    assert {path.name for path in folder.iterdir()} == {
        name for deb in base.debs for name in (deb.name, f"{deb.name}.md5sums")
    }
    for sums in folder.glob("*.md5sums"):
        for line in sums.read_text().splitlines():
            digest, path = line.split("  ")
            data = (base.root / path).read_bytes()
            assert hashlib.md5(data, usedforsecurity=False).hexdigest() == digest


@pytest.mark.skipif(not shutil.which("openssl"), reason="not on this machine: openssl")
def test_the_bundle_is_what_update_ca_certificates_makes(native_base: Base, tmp_path: Path) -> None:
    base = native_base
    dpkg = shutil.which("dpkg-deb") or pytest.skip("not on this machine: dpkg-deb")
    (package,) = (path for deb, path in base.debs.items() if deb.name == "ca-certificates")
    subprocess.run([dpkg, "-x", str(package), str(tmp_path / "package")], check=True)
    script = tmp_path / "package/usr/sbin/update-ca-certificates"
    folder = tmp_path / "package/usr/share/ca-certificates"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.crt"))
    (tmp_path / "conf").write_text("".join(f"{name}\n" for name in names))
    (tmp_path / "certs").mkdir()
    places = {
        "--etccertsdir": tmp_path / "certs",
        "--certsconf": tmp_path / "conf",
        "--hooksdir": tmp_path / "none",
        "--certsdir": folder,
        "--localcertsdir": tmp_path / "none",
    }
    options = [text for option, place in places.items() for text in (option, str(place))]
    subprocess.run(["/bin/sh", str(script), *options], check=True, capture_output=True, cwd=tmp_path)
    theirs = (tmp_path / "certs/ca-certificates.crt").read_bytes()
    assert (base.root / "etc/ssl/certs/ca-certificates.crt").read_bytes() == theirs


def test_no_script_of_the_base_matters(base: Base) -> None:
    assert script_warnings(list(base.debs.items())) == ()


def test_there_is_no_shell_and_no_package_manager(base: Base) -> None:
    programs = {path.name for path in (base.root / "usr").glob("*bin/*")}
    assert not programs & {
        "sh",
        "bash",
        "dash",
        "busybox",
        "perl",
        "apt",
        "apt-get",
        "dpkg",
        "pip",
        "openssl",
    }


def test_nothing_trimmed_is_left_and_no_link_dangles_within_usr(base: Base) -> None:
    for path in base.root.rglob("*"):
        relative = str(path.relative_to(base.root))
        assert not SAFE(relative)
        if path.is_symlink() and relative.startswith("usr/lib/") and not str(path.readlink()).startswith("/"):
            assert path.exists(), relative


def test_the_release_of_debian_can_be_read(base: Base) -> None:
    assert f"VERSION_CODENAME={base.suite}" in (base.root / "etc/os-release").read_text()
    assert (base.root / "etc/debian_version").read_text().strip()


def test_a_base_stays_small(base: Base) -> None:
    assert sum(deb.size for deb in base.debs) < 17e6
    files = (path for path in base.root.rglob("*") if path.is_file() and not path.is_symlink())
    assert sum(path.stat().st_size for path in files) < 70e6
