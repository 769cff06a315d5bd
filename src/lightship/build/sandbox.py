"""Runs an image without a container engine: bubblewrap, the host's network, the image's user."""

from __future__ import annotations

import errno
import shutil
import socket
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from lightship.build.forward import Forwarder, family_of, port_taken
from lightship.build.inroot import find_in_root, find_program, read_in_root
from lightship.build.running import Running, launch
from lightship.errors import UsageError
from lightship.oci.model import Execution
from lightship.oci.user import Identity, resolve_user

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What the engines set where an image sets no `$PATH`."""
SCRATCH = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108 - of the container, in memory


class Publish(NamedTuple):
    """A port of the container as it is reached from the host."""

    host_ip: str
    host_port: int
    container_port: int


class Volume(NamedTuple):
    """A path of the host, seen at an absolute path of the container."""

    host: Path
    container: str
    read_only: bool = False


class Scratch(NamedTuple):
    """An empty folder of the container, in memory."""

    container: str


class Link(NamedTuple):
    """A symlink at a path of the container that is in memory."""

    target: str
    container: str


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One start of an image whose root lies unpacked at `root`.

    `argv` replaces entrypoint and command where it is not empty; `env` goes over the image's variables;
    `mounts` are made after `volumes`, in their order, and what they are mounted on must be there;
    `workdir` and `name` (the host name) replace the image's where they are not empty. Without `network` there
    is none but a loopback of its own.
    """

    root: Path
    execution: Execution
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    publish: tuple[Publish, ...] = ()
    volumes: tuple[Volume, ...] = ()
    mounts: tuple[Volume | Scratch | Link, ...] = ()
    workdir: str = ""
    name: str = ""
    network: bool = True

    @property
    def command(self) -> tuple[str, ...]:
        return self.argv or self.execution.argv

    @property
    def folder(self) -> str:
        return self.workdir or self.execution.working_dir or "/"

    def environment(self, identity: Identity) -> dict[str, str]:
        """Give the variables of the container: the image's, the request's, and the engines' defaults."""
        defaults = {"PATH": DEFAULT_PATH, "HOME": identity.home or "/"}
        return {**defaults, **self.execution.environment, **self.env}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """bubblewrap, found on the host."""

    bwrap: Path

    @classmethod
    def find(cls, search_path: str) -> Sandbox:
        """Find bwrap in `search_path` (the form of `$PATH`), and see that it is allowed to work.

        Raises:
            UsageError: it is not installed, or this system forbids user namespaces.

        """
        found = shutil.which("bwrap", path=search_path)
        if found is None:
            raise UsageError(
                "bubblewrap is not installed",
                where="bwrap",
                hint="install the package bubblewrap (Debian, Ubuntu, Fedora, Alpine and Arch call it so)",
            )
        namespaces = ("--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc")
        probe = [found, *namespaces, found, "--version"]
        for _ in range(_TRIES):
            result = subprocess.run(probe, capture_output=True, text=True, check=False)
            if not result.returncode:
                break
        else:
            raise UsageError(
                "this system does not let bubblewrap make a sandbox",
                where=found,
                hint=_FORBIDDEN,
                detail=result.stderr,
            )
        return cls(Path(found))

    def start(
        self,
        request: RunRequest,
        *,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Running:
        """Start the image's command; it ends, with all its children, when the calling thread does.

        Raises:
            UsageError: a port is taken, a volume's source is missing, or the image lacks the command, its
                folder or its user.

        """
        arguments = bwrap_arguments(request, identify(request))
        _check_command(request)
        _check_ports(request)
        for volume in request.volumes:
            _make_mount_point(request.root, volume)
        with ExitStack() as forwards:
            for port in request.publish:
                if port.host_port != port.container_port:
                    host = port.host_ip or "127.0.0.1"
                    forwards.enter_context(Forwarder(host, port.host_port, port.container_port))
            return launch(
                [str(self.bwrap), *arguments],
                stop_signal=request.execution.stop_signal,
                stdout=stdout,
                stderr=stderr,
                resources=forwards.pop_all(),
            )


def identify(request: RunRequest) -> Identity:
    """Look the image's user up in its own files; raises UsageError if it does not know it."""
    return resolve_user(
        request.execution.user,
        passwd=read_in_root(request.root, "etc/passwd"),
        group=read_in_root(request.root, "etc/group"),
    )


def bwrap_arguments(request: RunRequest, identity: Identity) -> list[str]:
    """Give bubblewrap's command line, after the program's name; nothing is read or checked here."""
    return [
        *ISOLATION,
        "--as-pid-1",
        *(() if request.network else ("--unshare-net",)),
        *("--uid", str(identity.uid), "--gid", str(identity.gid), "--hostname", request.name or "lightship"),
        *("--ro-bind", str(request.root), "/", "--proc", "/proc", "--dev", "/dev"),
        *("--ro-bind-try", "/sys", "/sys"),
        *(word for path in SCRATCH for word in ("--perms", "1777", "--tmpfs", path)),
        *("--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"),
        *("--ro-bind-try", "/etc/hosts", "/etc/hosts"),
        *(word for volume in request.volumes for word in volume_arguments(volume)),
        *(word for mount in request.mounts for word in _mount_arguments(mount)),
        "--clearenv",
        *(word for pair in sorted(request.environment(identity).items()) for word in ("--setenv", *pair)),
        *("--chdir", request.folder, "--", *request.command),
    ]


def volume_arguments(volume: Volume) -> tuple[str, str, str]:
    """Give bubblewrap's arguments for one volume."""
    return ("--ro-bind" if volume.read_only else "--bind", str(volume.host), volume.container)


def _mount_arguments(mount: Volume | Scratch | Link) -> tuple[str, ...]:
    match mount:
        case Volume():
            return volume_arguments(mount)
        case Scratch():
            return ("--tmpfs", mount.container)
        case Link():
            return ("--symlink", mount.target, mount.container)


def _check_command(request: RunRequest) -> None:
    if not request.command:
        raise UsageError("the image has no command", hint="name one after the image")
    identity = Identity(0, 0)
    search = request.environment(identity)["PATH"]
    if find_program(request.root, request.command[0], search=search, workdir=request.folder) is None:
        raise UsageError(
            f"the image has no program {request.command[0]!r}",
            where=f"PATH={search}",
            hint="name another command, or add the package that has it to the image",
        )
    if find_in_root(request.root, request.folder) is None and not request.volumes:
        raise UsageError("the working directory is not in the image", where=request.folder)


def _check_ports(request: RunRequest) -> None:
    """Find a taken port before the service does: its own message would be lost in a log.

    The network is the host's, so the container's ports must be free, too.
    """
    for port in request.publish:
        _listen_briefly(port.host_ip, port.host_port)
        if port.host_port != port.container_port:
            _listen_briefly("", port.container_port)


def _listen_briefly(host: str, port: int) -> None:
    try:
        socket.create_server((host, port), family=family_of(host)).close()
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise port_taken(host, port, error) from error
        raise


def _make_mount_point(root: Path, volume: Volume) -> None:
    """Make what a volume is mounted on where the image lacks it, as the engines do."""
    if not volume.host.exists():
        raise UsageError("the volume's source does not exist", where=str(volume.host))
    if not volume.container.startswith("/") or ".." in volume.container.split("/"):
        raise UsageError("a volume's place in the container must be an absolute path", where=volume.container)
    parts = [part for part in volume.container.split("/") if part]
    for depth in range(1, len(parts) + 1):
        path = "/".join(parts[:depth])
        if find_in_root(root, path) is None:
            parent = find_in_root(root, "/".join(parts[: depth - 1]))
            if parent is None:
                raise UsageError("the volume's place cannot be made", where=volume.container)
            point = parent / parts[depth - 1]
            if depth == len(parts) and volume.host.is_file():
                point.touch(0o644)
            else:
                point.mkdir(0o755, exist_ok=True)


ISOLATION = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--cap-drop",
    "ALL",
    "--die-with-parent",
)
_TRIES = 3
"""bwrap fails when a mount of this machine ends while it goes through them all: containers come and go."""
_FORBIDDEN = (
    "allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1` (Debian), "
    "`sysctl kernel.apparmor_restrict_unprivileged_userns=0` or an AppArmor profile for bwrap (Ubuntu), "
    "`sysctl user.max_user_namespaces=10000` (others); within a container it needs `--privileged`"
)
