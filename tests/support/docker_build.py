"""Build Dockerfiles as they stand with Docker or Buildah, where the network needs settings of its own.

A Dockerfile says `pip install` and `apt-get install`, and the machine has certificates, an index, a mirror,
a folder of wheels. `docker_builds` brings the two together without a byte of it in an image: every `RUN` of
a *copy* of the Dockerfile gets mounts of BuildKit secrets, which are in no layer, no history and no cache
key:

- `/etc/pip.conf`: pip's configuration; local folders and indexes in it are served on loopback while the
  context lasts. `/run/secrets/machine-ca` and `/run/secrets/machine-constraints` are what it names;
- `/etc/apt/sources.list.d/debian.sources` and `/etc/apt/apt.conf`: apt's sources and how it reaches them.

`RUN` lines may have mounts of their own. A `# syntax=` line goes, as the frontend it names cannot be
pulled: Docker 20.10's own frontend must do (`--mount`, but neither heredocs nor `COPY --link`), and so must
Buildah 1.28, which takes the same. Containers use the host's network. The only trace is an empty folder,
`/run/secrets`. Base images come from `scripts.standins`:

    standins.load(docker_host)
    with docker_builds(docker_host) as build:
        build(project, project / "Dockerfile", tag="pharmabot:none", build_args={"TORCH_VARIANT": "none"})
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.machine import apt_settings, apt_sources, lent, pip_config, pip_text

CA = "/run/secrets/machine-ca"
CONSTRAINTS = "/run/secrets/machine-constraints"
TARGETS = {
    "machine-ca": CA,
    "machine-constraints": CONSTRAINTS,
    "machine-pip": "/etc/pip.conf",
    "machine-sources": "/etc/apt/sources.list.d/debian.sources",
    "machine-apt": "/etc/apt/apt.conf",
}
CPU_TORCH = re.compile(r"torch-(?P<version>[^-]+)\+cpu-")
TAIL = 6000
ACCEPTED = (
    "LV102-package-manager",
    "LV103-shell",
    "LV111-header:usr/local/*",
    "LV501-import-fails:setuptools*",
)
"""What docs/dockerfile.md says that a base brings, as `verify --ignore` takes it."""


class BuildFailedError(Exception):
    """The build gave up; the message is the end of what it said."""


@dataclass(frozen=True, slots=True)
class DockerBuilds:
    """Builds with one daemon; `secrets` are files, by the names in `TARGETS`."""

    docker_host: str
    secrets: Mapping[str, Path]

    def __call__(
        self,
        folder: Path,
        file: Path,
        *,
        tag: str,
        target: str = "",
        build_args: Mapping[str, str] | None = None,
    ) -> str:
        """Build `file` with `folder` as its context, and return what the build said.

        A `.dockerignore` counts as it does for Docker: `<file>.dockerignore`, else the folder's own.

        Raises:
            BuildFailedError: with the end of the build's log.

        """
        environ = {"DOCKER_HOST": self.docker_host, "DOCKER_BUILDKIT": "1", "PATH": "/usr/bin:/bin"}
        options = ("--progress", "plain", *_asked(tag, target, build_args))
        return _build(["/usr/bin/docker", "build", *options], folder, file, self.secrets, environ)


@dataclass(frozen=True, slots=True)
class BuildahBuilds:
    """Builds with Buildah, in the storage that `environ` names; base images must be there."""

    environ: Mapping[str, str]
    secrets: Mapping[str, Path]

    def __call__(
        self,
        folder: Path,
        file: Path,
        *,
        tag: str,
        target: str = "",
        build_args: Mapping[str, str] | None = None,
    ) -> str:
        """Build `file` with `folder` as its context, and return what the build said.

        Raises:
            BuildFailedError: with the end of the build's log.

        """
        options = ("--isolation", "chroot", "--pull-never", *_asked(tag, target, build_args))
        return _build(["buildah", "build", *options], folder, file, self.secrets, self.environ)


def _asked(tag: str, target: str, build_args: Mapping[str, str] | None) -> list[str]:
    arguments = [f"--build-arg={key}={value}" for key, value in (build_args or {}).items()]
    return ["--tag", tag, *arguments, *(["--target", target] if target else [])]


def _build(
    command: list[str], folder: Path, file: Path, secrets: Mapping[str, Path], environ: Mapping[str, str]
) -> str:
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / file.name
        copy.write_text(with_mounts(file.read_text(), secrets))
        ignore = file.with_name(f"{file.name}.dockerignore")
        if ignore.is_file():
            shutil.copy(ignore, copy.parent)
        lent_out = [f"--secret=id={key},src={path}" for key, path in secrets.items()]
        done = subprocess.run(
            [*command, "--file", str(copy), "--network", "host", *lent_out, str(folder)],
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        raise BuildFailedError(done.stdout[-TAIL:])
    return done.stdout


@contextmanager
def docker_builds(docker_host: str, *, constraints: Sequence[str] = ()) -> Iterator[DockerBuilds]:
    """Make the secrets, and serve what they point to until the context ends.

    `constraints` are lines for pip beside the machine's own, such as `cpu_torch()`.
    """
    with lent_secrets(constraints) as secrets:
        yield DockerBuilds(docker_host, secrets)


@contextmanager
def buildah_builds(environ: Mapping[str, str], *, constraints: Sequence[str] = ()) -> Iterator[BuildahBuilds]:
    """Do the same for Buildah."""
    with lent_secrets(constraints) as secrets:
        yield BuildahBuilds(environ, secrets)


@contextmanager
def lent_secrets(constraints: Sequence[str]) -> Iterator[dict[str, Path]]:
    """Write the secrets, and serve the folders that they point to while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="secrets-") as name, lent(pip_config()) as config:
        folder = Path(name)
        texts = [Path(path).read_text() for path in config.constraints]
        files = {
            # Never empty: BuildKit takes an empty secret for one that is not there.
            "machine-constraints": "".join(
                f"{text}\n" for text in ("# of the machine", *texts, *constraints)
            ),
            "machine-sources": apt_sources(),
            "machine-apt": apt_settings(),
            "machine-ca": config.cert.read_text() if config.cert else "",
        }
        inside = replace(config, cert=Path(CA) if config.cert else None, constraints=(CONSTRAINTS,))
        files["machine-pip"] = pip_text(inside)
        for key, content in files.items():
            (folder / key).write_text(content)
        yield {key: folder / key for key in files}


def cpu_torch() -> tuple[str, ...]:
    """A constraint to the newest CPU build of torch in pip's local folders of wheels; none if there is none.

    A requirement such as `torch>=2.6` otherwise means the newest torch of the index, with CUDA.
    """
    folders = [Path(link) for link in pip_config().find_links if Path(link).is_dir()]
    names = [path.name for folder in folders for path in folder.glob("torch-*.whl")]
    versions = [match["version"] for match in map(CPU_TORCH.match, names) if match]
    newest = max(versions, key=lambda version: [int(part) for part in version.split(".")], default="")
    return (f"torch=={newest}+cpu",) if newest else ()


def with_mounts(dockerfile: str, secrets: Mapping[str, Path]) -> str:
    """The Dockerfile with the secrets mounted in every `RUN`, and without its `# syntax=` line."""
    mounts = " ".join(f"--mount=type=secret,id={key},target={TARGETS[key]},mode=0444" for key in secrets)
    lines, continued = [], False
    for line in dockerfile.splitlines(keepends=True):
        text = line.strip()
        if text.startswith("#") or not text:
            lines.append("" if re.match(r"#\s*syntax\s*=", text) else line)
            continue
        lines.append(
            line if continued else re.sub(r"^(\s*RUN)\s", rf"\1 {mounts} ", line, flags=re.IGNORECASE)
        )
        continued = text.endswith("\\")
    return "".join(lines)
