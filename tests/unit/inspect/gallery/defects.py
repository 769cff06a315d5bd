"""The gallery: every defect by the rule that must find it, and nothing else may."""

from __future__ import annotations

import json
import struct
import tarfile

from lightship.fs.entries import Entry, directory, regular, symlink
from lightship.oci.model import History
from tests.support.elves import AARCH64, elf
from tests.support.tars import folder, member
from tests.unit.inspect.gallery.making import GOOD, RANDOM, SITE, Layer, Shown, bookworm, installed

MB = 1_000_000
PEM = "PRIVATE KEY-----"
KEY = f"-----BEGIN RSA {PEM}\n{RANDOM * 8}\n-----END RSA {PEM}\n".encode()
AWS = b"AKIA" + b"Q3ERTYLKWZMNBV4C"
GITHUB = b"ghp" + b"_" + RANDOM[:38].encode()
OPENAI = "sk-proj-" + RANDOM[:20] + "T3Blbk" + "FJ" + RANDOM[:20]
CUDA = f"{SITE}/nvidia/cublas/lib/libcublas.so.12"
USER = regular(f"{SITE}/fast/_gpu.so", elf(["libcublas.so.12"], rpath="$ORIGIN/../nvidia/cublas/lib"))
MAGIC_311 = (3495).to_bytes(2, "little") + b"\r\n"
PASSWORD = "s3cr" + "Et9x"


def one(name: str, *entries: Entry, **execution: object) -> Shown:
    """Plant entries in one layer."""
    return Shown(name, [entries] if entries else [], execution)


def layers(name: str, *planted: Layer) -> Shown:
    return Shown(name, planted)


def executable(path: str) -> Entry:
    return regular(path, elf(), 0o755)


def bytecode(header: bytes, path: str = "app/__pycache__/main.cpython-311.pyc") -> Entry:
    return regular(path, header + b"\xe3")


def direct_url(url: str) -> bytes:
    return json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}).encode()


def capable(path: str, permitted: int, *, revision: int = 2) -> tuple[tarfile.TarInfo, bytes]:
    """Plant a program with capabilities, as Docker writes them to layers."""
    value = struct.pack("<5I", revision << 24 | 1, permitted, 0, 0, 0) + bytes(4 * (revision == 3))
    attribute = value.decode("utf-8", "surrogateescape")
    return member(path, elf(), mode=0o755, pax_headers={"SCHILY.xattr.security.capability": attribute})


DEFECTS = {
    "LV101-compiler": (
        one("gcc", executable("usr/bin/x86_64-linux-gnu-gcc-12")),
        one("a linker", executable("usr/bin/ld.gold")),
        one("make", executable("usr/local/bin/make")),
    ),
    "LV102-package-manager": (
        one("apt", executable("usr/bin/apt-get"), executable("usr/bin/dpkg")),
        one("pip as a package", directory(f"{SITE}/pip"), regular(f"{SITE}/pip/__init__.py", b"")),
    ),
    "LV103-shell": (
        one("dash, and a link to it", executable("usr/bin/dash"), symlink("usr/bin/sh", "dash")),
        one("busybox", executable("bin/busybox")),
    ),
    "LV104-tool-in-wheel": (one("triton's assembler", executable(f"{SITE}/triton/bin/ptxas")),),
    "LV105-development-package": (
        one("dpkg", regular("var/lib/dpkg/status", b"Package: libpq-dev\nStatus: install ok installed\n")),
        one("apk", regular("lib/apk/db/installed", b"C:Q1\nP:musl-dev\nV:1.2\n")),
    ),
    "LV111-header": (one("a system's", regular("usr/include/libpq-fe.h", b"int x;\n")),),
    "LV112-static-library": (one("libc.a", regular("usr/lib/libc.a", b"!<arch>\n")),),
    "LV113-header-in-wheel": (one("many", regular(f"{SITE}/torch/include/a.h", b" " * MB)),),
    "LV114-static-library-in-wheel": (one("large", regular(f"{SITE}/torch/lib/a.a", b" " * MB)),),
    "LV121-version-control": (
        one("git", regular("app/.git/HEAD", b"ref: refs/heads/main\n"), regular("app/.git/index", b"")),
        one("svn", regular("srv/app/.svn/entries", b"12\n")),
    ),
    "LV122-tests": (
        one("a folder", regular("app/tests/data.bin", b"1")),
        one("beside the code", regular("app/test_main.py", b"")),
    ),
    "LV123-caches": (one("pytest's", regular("app/.pytest_cache/CACHEDIR.TAG", b"")),),
    "LV124-notebooks": (one("an analysis", regular("app/look.ipynb", b"{}")),),
    "LV125-editor-files": (
        one("a folder", regular("app/.vscode/settings.json", b"{}")),
        one("a swap file", regular("app/.main.py.swp", b"b0VIM")),
    ),
    "LV131-packages-in-layer": (
        one("wheels", regular("wheels/a-1-py3-none-any.whl", b"PK")),
        layers(
            "wheels, removed later", [regular("tmp/a-1-py3-none-any.whl", b"PK")], [regular(".wh.tmp", b"")]
        ),
    ),
    "LV132-package-lists": (one("apt's", regular("var/lib/apt/lists/example_Packages.lz4", b"1")),),
    "LV133-installer-cache": (one("pip's", regular("root/.cache/pip/http/a/b", b"1")),),
    "LV201-missing-library": (one("of a wheel", regular(f"{SITE}/fast/_d.so", elf(["libnone.so.1"]))),),
    "LV202-library-by-preload": (
        one(
            "beside it",
            regular(f"{SITE}/fast/_d.so", elf(["libe.so"])),
            regular(f"{SITE}/other/libe.so", elf(soname="libe.so")),
        ),
    ),
    "LV203-optional-library": (
        one("tkinter", regular("usr/lib/python3.11/lib-dynload/_tkinter.so", elf(["libtk8.6.so"]))),
    ),
    "LV204-missing-loader": (
        one("musl's", regular("usr/bin/tool", elf(interpreter="/lib/ld-musl-x86_64.so.1"), 0o755)),
    ),
    "LV205-wrong-machine": (one("arm64", regular("usr/lib/liba.so", elf(machine=AARCH64))),),
    "LV206-other-machine-in-wheel": (one("firmware", regular(f"{SITE}/fast/gpu.bin", elf(machine=AARCH64))),),
    "LV207-missing-symbol-version": (
        one(
            "a newer glibc",
            regular(f"{SITE}/fast/_d.so", elf(["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.38"]})),
        ),
        one(
            "a newer libstdc++",
            regular("usr/lib/libstdc++.so.6", elf(versions={"": ["GLIBCXX_3.4.30"]})),
            regular("usr/bin/x", elf(["libstdc++.so.6"], versions={"libstdc++.so.6": ["GLIBCXX_3.4.32"]})),
        ),
    ),
    "LV211-two-openmps": (
        one(
            "Intel's and GNU's",
            regular(f"{SITE}/mkl/libiomp5.so", elf()),
            regular(f"{SITE}/torch/lib/libgomp-a34b3233.so.1", elf()),
        ),
    ),
    "LV212-two-cuda-runtimes": (
        one(
            "11 and 12",
            regular("usr/lib/libcudart.so.11.0", elf()),
            regular("usr/lib/libcudart.so.12", elf()),
            regular(f"{SITE}/fast/_gpu.so", elf(["libcudart.so.11.0", "libcudart.so.12"])),
        ),
    ),
    "LV221-cuda-twice": (
        one("a base's", regular(CUDA, elf()), USER, regular("usr/lib/libcublas.so.12.4", elf())),
    ),
    "LV222-cuda-unused": (one("a base's", regular("usr/lib/libcublas.so.12", elf())),),
    "LV223-cuda-needs-newer-driver": (
        one(
            "12, where 11 is asked for",
            regular("usr/lib/libcudart.so.12.4.127", elf(soname="libcudart.so.12")),
            symlink("usr/lib/libcudart.so.12", "libcudart.so.12.4.127"),
            regular(f"{SITE}/fast/_gpu.so", elf(["libcudart.so.12"])),
            env=(*GOOD.env, "NVIDIA_REQUIRE_CUDA=cuda>=11.8"),
        ),
    ),
    "LV301-root": (one("none", user=""), one("by name", user="root"), one("by number", user="0:0")),
    "LV302-unknown-user": (one("by name", user="service"),),
    "LV311-no-health-check": (one("none", healthcheck=None),),
    "LV312-missing-label": (one("the source", labels={}),),
    "LV313-malformed-label": (
        one("no URL", labels={"org.opencontainers.image.source": "see the README"}),
        one("no time", labels={**GOOD.labels, "org.opencontainers.image.created": "yesterday"}),
    ),
    "LV321-setuid": (
        one("su", regular("usr/bin/su", elf(), 0o4755)),
        one("a group's", regular("usr/bin/wall", elf(), 0o2755)),
    ),
    "LV322-world-writable": (
        one("a file", regular("app/data.json", b"{}", 0o666)),
        one("a folder", directory("app/data", 0o777)),
    ),
    "LV323-device": (
        layers("a disk", [folder("dev"), member("dev/sda", kind=tarfile.BLKTYPE, devmajor=8)]),
        layers("a FIFO", [folder("run"), member("run/pipe", kind=tarfile.FIFOTYPE)]),
    ),
    "LV324-file-capability": (
        layers("ping's", [capable("usr/bin/ping", 1 << 13)]),
        layers("a Python that listens at port 80", [capable("usr/local/bin/serve", 1 << 10, revision=3)]),
    ),
    "LV331-secret-in-file": (
        one("AWS, in the source", regular("app/settings.py", b"ID = '" + AWS + b"'\n")),
        one("GitHub, in a distribution", *installed("own", "1", {"own.py": b"T = '" + GITHUB + b"'\n"})),
        layers("GitHub, removed later", [regular("build/token", GITHUB)], [regular("build/.wh.token", b"")]),
        one("Slack", regular("app/notify.py", b"xoxb-" + b"123456789012-" + RANDOM.encode())),
        one("Hugging Face", regular("root/.cache/huggingface/token", b"hf_" + RANDOM[:34].encode())),
    ),
    "LV332-private-key": (
        one("SSH's", regular("root/.ssh/id_rsa", KEY, 0o600)),
        one(
            "a service account's",
            regular("app/account.json", json.dumps({"private_key": KEY.decode()}).encode()),
        ),
    ),
    "LV333-credentials-in-file": (
        one(
            "pip's",
            regular("etc/pip.conf", f"[global]\nindex-url=https://me:{PASSWORD}@example.com/\n".encode()),
        ),
        one("netrc", regular("root/.netrc", f"machine example.com login me password {PASSWORD}\n".encode())),
        one(
            "git's",
            regular("root/.gitconfig", f'[http]\nextraheader = "Authorization: Basic {RANDOM}"\n'.encode()),
        ),
        one(
            "Docker's",
            regular("root/.docker/config.json", f'{{"auths": {{"a": {{"auth": "{RANDOM}"}}}}}}'.encode()),
        ),
        one(
            "an index in direct_url.json",
            regular(
                f"{SITE}/small-1.5.dist-info/direct_url.json",
                direct_url(f"https://me:{PASSWORD}@example.com/r"),
            ),
        ),
        one("npm's", regular("app/.npmrc", f"//example.com/:_authToken={RANDOM}\n".encode())),
        one(
            "AWS's",
            regular("root/.aws/credentials", f"[default]\naws_secret_access_key = {RANDOM}\n".encode()),
        ),
        layers(
            "requirements, removed later",
            [regular("src/requirements.txt", f"--index-url https://me:{PASSWORD}@example.com/\n".encode())],
            [regular("src/.wh.requirements.txt", b"")],
        ),
    ),
    "LV334-possible-secret-in-file": (
        one("a .env", regular("app/.env", f"SIGNING_SECRET={RANDOM}\n".encode())),
        one("YAML", regular("app/settings.yaml", f"mail:\n  password: {RANDOM[:18]}\n".encode())),
        one("unnamed", regular("app/settings.ini", f"[a]\nb = {RANDOM}{RANDOM[::-1]}\n".encode())),
    ),
    "LV341-secret-in-configuration": (
        one("a variable", env=(*GOOD.env, f"OPENAI_API_KEY={OPENAI}")),
        one(
            "a database's URL",
            env=(*GOOD.env, f"DATABASE_URL=postgresql://app:{PASSWORD}@db.example.com/app"),
        ),
        one("a label", labels={**GOOD.labels, "deploy": GITHUB.decode()}),
        Shown(
            "a build argument",
            history=[
                History(
                    "1980-01-01T00:00:00Z", f"RUN |1 INDEX=https://me:{PASSWORD}@example.com/ pip install"
                )
            ],
        ),
    ),
    "LV342-possible-secret-in-configuration": (
        one("a variable", env=(*GOOD.env, f"SIGNING_SECRET={RANDOM}")),
        Shown("a build argument", history=[History("1980-01-01T00:00:00Z", f"ARG TOKEN={RANDOM}")]),
    ),
    "LV401-budget": (one("too large", regular("app/model.bin", bytes(3 * MB))),),
    "LV402-layer-count": (
        layers("128", *([regular("app/version", str(number).encode())] for number in range(127))),
    ),
    "LV411-stored-twice": (
        layers(
            "chmod in a step of its own",
            [regular("srv/data.bin", b"1" * MB)],
            [regular("srv/data.bin", b"1" * MB, 0o600)],
        ),
    ),
    "LV412-hidden-bytes": (
        layers("removed", [regular("srv/data.bin", b"1" * MB)], [regular("srv/.wh.data.bin", b"")]),
        layers("replaced", [regular("srv/data.bin", b"1" * MB)], [regular("srv/data.bin", b"2" * MB)]),
    ),
    "LV421-build-time": (
        Shown(
            "a clock's",
            [[member("srv/made", b"1", mtime=1_700_000_000)]],
            history=[History("2023-11-01T00:00:00Z"), History("2023-11-14T22:13:21.25Z")],
        ),
    ),
    "LV511-missing-requirement": (one("none", *installed("own", "1", {}, "absent")),),
    "LV512-conflicting-requirement": (one("too old", *installed("own", "1", {}, "small>=9")),),
    "LV513-changed-file": (one("patched", regular(f"{SITE}/fast/__init__.py", b"patched = True\n")),),
    "LV514-absent-file": (one("removed", regular(f"{SITE}/.wh.small.py", b"")),),
    "LV515-installed-twice": (one("an older one", *installed("small", "1.4", {})),),
    "LV521-bytecode-of-another-python": (
        one("a tag of 3.12", bytecode(bytes(16), "app/__pycache__/main.cpython-312.pyc")),
        one("a magic number of 3.12", bytecode((3531).to_bytes(2, "little") + b"\r\n" + bytes(12))),
    ),
    "LV522-stale-bytecode": (
        one("of another size", bytecode(MAGIC_311 + bytes(12))),
        one("of another hash, unchecked", bytecode(MAGIC_311 + b"\1\0\0\0" + bytes(8))),
    ),
    "LV701-not-production": (
        one(
            "development, with a shell",
            executable("bin/sh"),
            labels={**GOOD.labels, "io.lightship.target": "dev"},
        ),
    ),
    "LV801-known-vulnerability": (
        one("requests", *installed("requests", "2.30.0", {})),
        one("a library of openssl's", *bookworm("libssl3", "3.0.11-1~deb12u1", "openssl")),
        one("a source of another version", *bookworm("libssl3", "3.0.13-1+b1", "openssl (3.0.11-1~deb12u1)")),
    ),
}
COUNT = sum(map(len, DEFECTS.values()))
