"""Turn a Debian minbase into a base image with CPython in `/usr/local`; mmdebstrap calls this with its root.

The CPython is Debian's own, unpacked where dpkg does not know it, with the paths of a `make install`:
`site-packages` in place of `dist-packages`, headers and `libpython` where `sysconfig` looks for them. pip,
setuptools and wheel are the wheels of the index that pip is configured for.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "3.11"
DEBS = (
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "python3.11", "python3.11-venv"),
    *("libpython3.11", "libpython3.11-dev", "python3.11-dev", "python3-distutils", "python3-lib2to3"),
)
INSTALLED = ("pip==24.0", "setuptools==65.5.1", "wheel==0.45.1")  # as in the official image
DEBIANS_OWN = ("EXTERNALLY-MANAGED", "sitecustomize.py", "_distutils_system_mod.py")
LINKS = {
    "python3": "python3.11",
    "python": "python3",
    "python3-config": "python3.11-config",
    "python-config": "python3-config",
    "pydoc3": "pydoc3.11",
}
CLEAN = (
    "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"
)
# As in official Debian images (debuerreotype's docker-tweaks): apt keeps no packages, no service starts.
SETTINGS = {
    "etc/apt/apt.conf.d/docker-clean": (
        f'DPkg::Post-Invoke {{ "{CLEAN}"; }};\nAPT::Update::Post-Invoke {{ "{CLEAN}"; }};\n'
        'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
    ),
    "etc/apt/apt.conf.d/docker-no-languages": 'Acquire::Languages "none";\n',
    "etc/apt/apt.conf.d/docker-gzip-indexes": 'Acquire::GzipIndexes "true";\n',
    "etc/apt/apt.conf.d/docker-autoremove-suggests": 'Apt::AutoRemove::SuggestsImportant "false";\n',
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    # Where packages come from is the machine's matter: builds mount its sources here.
    "etc/apt/sources.list.d/debian.sources": "# mounted while an image is built\n",
}


def main(root: Path) -> None:
    unpacked = root / "standin"
    unpacked.mkdir()
    fetch(root, unpacked)
    plant(unpacked / "usr", root / "usr" / "local")
    shutil.rmtree(unpacked)
    install_pip(root)
    settle(root)


def fetch(root: Path, unpacked: Path) -> None:
    """Unpack the packages without installing them: dpkg is to know no Python here."""
    inside("sh", "-c", f"cd /{unpacked.name} && apt-get download -qq {' '.join(DEBS)}", root=root)
    for deb in sorted(unpacked.glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", deb, unpacked], check=True)


def plant(usr: Path, local: Path) -> None:
    library, include = usr / "lib" / f"python{VERSION}", usr / "include" / f"python{VERSION}"
    (runtime,) = usr.glob(f"lib/*-linux-gnu/libpython{VERSION}.so.1.0")
    # The official image has no static library either.
    for path in (*(library / name for name in DEBIANS_OWN), *library.glob("config-*/libpython*.a")):
        path.unlink()
    (header,) = usr.glob(f"include/*-linux-gnu/python{VERSION}/pyconfig.h")
    header.replace(include / "pyconfig.h")  # in place of the one that includes it by architecture
    undo_debian_layout(library, (usr / "bin" / f"python{VERSION}", runtime))
    # What a Debian Python made in the full image: an empty dist-packages.
    shutil.rmtree(local / "lib" / library.name, ignore_errors=True)
    move(library, local / "lib")
    move(include, local / "include")
    move(runtime, local / "lib")
    (local / "lib" / f"libpython{VERSION}.so").symlink_to(runtime.name)
    for program in usr.glob(f"bin/*{VERSION}*"):
        move(program, local / "bin")
    for name, target in LINKS.items():
        (local / "bin" / name).symlink_to(target)


def undo_debian_layout(library: Path, frozen: tuple[Path, ...]) -> None:
    """Give back CPython's own paths, which Debian's patches change outside virtual environments."""
    # `site` is compiled into the interpreter (a frozen module); the two names are equally long.
    for path in frozen:
        path.write_bytes(path.read_bytes().replace(b"\0dist-packages\0", b"\0site-packages\0"))
    replace(library / "sysconfig.py", "prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'")
    (data,) = (path for path in library.glob("_sysconfigdata_*.py") if not path.is_symlink())
    text = re.sub(r"/usr/lib/[a-z0-9_]+-linux-gnu\b", "/usr/local/lib", data.read_text())
    text = re.sub(r"/usr/(?=(lib|include)/python3|bin\b|share/python-wheels)", "/usr/local/", text)
    data.write_text(re.sub(r"'/usr(?=/include'|/lib'|')", "'/usr/local", text))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        sys.exit(f"{path.name} has no {old!r}: Debian's patch has changed")
    path.write_text(text.replace(old, new))


def move(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(source, folder / source.name)


def install_pip(root: Path) -> None:
    """Keep pip's and setuptools' wheels: ensurepip has them for new virtual environments."""
    wheels = root / "usr" / "local" / "share" / "python-wheels"
    wheels.mkdir(parents=True)
    quiet = ("-qq", "--disable-pip-version-check")
    download = [sys.executable, "-m", "pip", "download", *quiet, "--no-deps", "--dest", str(wheels)]
    subprocess.run([*download, *INSTALLED], check=True)
    (program,) = wheels.glob("pip-*.whl")
    folder = f"/{wheels.relative_to(root)}"
    install = ["install", *quiet, "--no-index", "--find-links", folder, "--no-compile", "--no-cache-dir"]
    inside("/usr/local/bin/python3", "-B", f"{folder}/{program.name}/pip", *install, *INSTALLED, root=root)
    for wheel in wheels.glob("wheel-*.whl"):
        wheel.unlink()


def settle(root: Path) -> None:
    sources = root / "etc" / "apt"
    for path in (sources / "sources.list", *(sources / "sources.list.d").glob("*")):
        path.unlink(missing_ok=True)
    for name, content in SETTINGS.items():
        (root / name).write_text(content)
    (root / "usr" / "sbin" / "policy-rc.d").chmod(0o755)
    inside("sh", "-c", f"ldconfig && {CLEAN}", root=root)
    for cache in (root / "usr" / "local").rglob("__pycache__"):
        shutil.rmtree(cache)


def inside(*command: str, root: Path) -> None:
    subprocess.run(["chroot", str(root), *command], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
