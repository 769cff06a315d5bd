"""Set up what a make target needs: `.venv`, and the system's packages where this may install them.

Run it as often as you like: with everything in place it changes nothing and takes a few milliseconds.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
POLICY = Path("/usr/sbin/policy-rc.d")
DEPENDENCY_GROUPS = {"demo": [], "lint": ["test", "lint"], "test": ["test", "lint"]}
SYSTEM_TABLES = {"demo": ["demo"], "lint": [], "test": ["demo", "test"]}


def main(purpose: str) -> None:
    system_packages(purpose)
    python_packages(purpose)


def system_packages(purpose: str) -> None:
    """Install the Debian packages that are missing, or say which they are."""
    absent = missing(purpose)
    if absent and Path("/etc/debian_version").is_file() and os.geteuid() == 0:
        install(sorted(set(absent.values())))
        absent = missing(purpose)
    if not absent:
        return
    print("Missing on this machine (the tests that need one are skipped):")
    for witness, package in absent.items():
        print(f"  {witness}: package {package}")
    print(f"On Debian or Ubuntu: sudo apt-get install {shlex.join(sorted(set(absent.values())))}")
    if os.environ.get("LIGHTSHIP_REQUIRE_ALL"):
        sys.exit("LIGHTSHIP_REQUIRE_ALL is set: nothing may be missing")


def missing(purpose: str) -> dict[str, str]:
    """Commands and files that this machine lacks, each with the Debian package that brings it."""
    absent = {name: package for name, package in wanted_packages(purpose).items() if not present(name)}
    if not VENV.exists() and importlib.util.find_spec("ensurepip") is None:
        absent["python3 -m ensurepip"] = "python3-venv"
    return absent


def wanted_packages(purpose: str) -> dict[str, str]:
    """Commands and files, each with the Debian package that brings it (system-packages.toml)."""
    tables = tomllib.loads((ROOT / "scripts" / "system-packages.toml").read_text())
    return {name: package for table in SYSTEM_TABLES[purpose] for name, package in tables[table].items()}


def present(witness: str) -> bool:
    if witness.startswith("/"):
        return any(Path("/").glob(witness[1:]))
    return which(witness, path=SYSTEM_PATH) is not None


def install(packages: list[str]) -> None:
    print(f"Installing {shlex.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    apt = ["apt-get", "-qq", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300"]
    with services_held():
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            run_quietly([*apt, *command], environment)


def run_quietly(command: list[str], environment: dict[str, str]) -> None:
    """Run without a terminal; what the command said is shown only if it fails."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{shlex.join(command)} failed")


@contextmanager
def services_held() -> Iterator[None]:
    """Keep new packages from starting their services: the tests start their own, on ports of their own."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def python_packages(purpose: str) -> None:
    """Bring `.venv` up to date with `pyproject.toml`.

    With pip, not uv: pip knows the user's indexes, certificates and proxies from its configuration.
    """
    groups = DEPENDENCY_GROUPS[purpose]
    state = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = VENV / f".set-up-{'-'.join(groups) or 'package'}"
    if stamp.is_file() and stamp.read_text() == state:
        return
    python = VENV / "bin" / "python"
    if not python.exists():
        print("Creating .venv", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    print("Installing Lightship and its tools into .venv", flush=True)
    pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)  # the first that knows --group (PEP 735)
    chosen = [argument for group in groups for argument in ("--group", group)]
    subprocess.run([*pip, "--editable", ".", *chosen], check=True, cwd=ROOT)
    stamp.write_text(state)


if __name__ == "__main__":
    main(sys.argv[1])
