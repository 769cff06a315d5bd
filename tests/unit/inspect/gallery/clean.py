"""Images in which nothing is found, though each has something that looks like a defect."""

from __future__ import annotations

from lightship.fs.entries import directory, regular, symlink
from lightship.inspect.scan import Compiled, hash_source
from lightship.oci.model import History
from tests.support.elves import elf
from tests.support.tars import member
from tests.unit.inspect.gallery.defects import (
    CUDA,
    KEY,
    MAGIC_311,
    PEM,
    USER,
    bytecode,
    capable,
    executable,
    layers,
    one,
)
from tests.unit.inspect.gallery.making import GOOD, LIB, RANDOM, SITE, Shown, bookworm, installed

SOURCE = b"import fast\n"
STAMP = (315_532_800).to_bytes(4, "little")
"""What every file of a layer has: 1980-01-01."""
UNCHECKED = MAGIC_311 + b"\1\0\0\0"

CLEAN = (
    Shown("a small service"),
    one("a shared folder", directory("srv/spool", 0o1777), directory("var/mail", 0o2775)),
    one(
        "names like those of tools",
        executable("usr/bin/gunicorn"),
        regular("usr/share/doc/gcc/copyright", b"GPL"),
        regular("usr/bin/make", b"no program", 0o644),
    ),
    one("a link that leads nowhere", symlink("usr/bin/sh", "dash")),
    one(
        "tests, wheels and keys of distributions",
        *installed("own", "1", {"own/tests/key.pem": KEY, "own/seed/pip-1-py3-none-any.whl": b"PK"}),
        regular(f"{LIB}/ensurepip/_bundled/pip-24.0-py3-none-any.whl", b"PK"),
    ),
    one(
        "an environment within the application's folder",
        regular("app/.venv/pyvenv.cfg", b"home = /usr/bin\n"),
        regular("app/.venv/share/tests/a.ipynb", b"{}"),
    ),
    one(
        "keys that everybody may have, and words about keys",
        regular("etc/ssl/certs/ca.pem", f"-----BEGIN CERTIFICATE-----\nMII{RANDOM * 9}\n".encode()),
        regular("app/keys.py", f"START = '-----BEGIN {PEM}'\n".encode()),
        regular("app/example.env", b"DSN=postgresql://user:password@localhost/db\nTOKEN=${TOKEN}\n"),
    ),
    one(
        "hashes of locks",
        regular("app/package-lock.yaml", f"integrity: sha512-{RANDOM}{RANDOM}==\n".encode()),
        regular("app/pylock.toml", f'hashes = {{sha256 = "{"0a1b2c3d4e5f6789" * 4}"}}\n'.encode()),
        regular("app/tokenizer_config.json", b'{"pad_token": "<|endoftext|>", "max_token": 512}'),
    ),
    one(
        "two copies of GNU's OpenMP, each with a name of its own",
        regular(f"{SITE}/torch/lib/libgomp-a34b3233.so.1", elf()),
        regular(f"{SITE}/sklearn.libs/libgomp-d22c30c5.so.1.0.0", elf()),
    ),
    one("CUDA of wheels, which the driver joins", regular(CUDA, elf(["libcuda.so.1"])), USER),
    one("bytecode by its source's hash", bytecode(UNCHECKED + hash_source(Compiled(UNCHECKED), SOURCE))),
    one(
        "bytecode by time and size",
        bytecode(MAGIC_311 + bytes(4) + STAMP + len(SOURCE).to_bytes(4, "little")),
    ),
    one(
        "a symbol version that is there",
        regular(f"{SITE}/fast/_d.so", elf(["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.2.5"]})),
    ),
    one(
        "no label but a version",
        labels={"org.opencontainers.image.source": "https://example.com/a", "a": "b"},
    ),
    one(
        "a driver that is new enough",
        regular(CUDA, elf()),
        USER,
        env=(*GOOD.env, "NVIDIA_REQUIRE_CUDA=cuda>=12.4"),
    ),
    layers(
        "a little that is hidden",
        [regular("etc/ld.so.cache", b"1" * 1000)],
        [regular("etc/ld.so.cache", b"2")],
    ),
    one("openssl, mended", *bookworm("libssl3", "3.0.13-1~deb12u1", "openssl")),
    one("openssl of another release", *bookworm("libssl3", "3.0.11-1~deb12u1", "openssl", "13")),
    layers("an attribute that gives nothing", [capable("usr/bin/ping", 0)]),
    layers(
        "capabilities that a later layer takes away",
        [capable("usr/bin/ping", 1 << 13)],
        [regular("usr/bin/ping", elf(), 0o755)],
    ),
    Shown(
        "times that were set",
        [[member("srv/made", b"1", mtime=1_700_000_000)]],
        history=[History("2023-11-14T22:13:20Z"), History("2023-11-14T22:13:20Z")],
    ),
)
