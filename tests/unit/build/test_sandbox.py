from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lightship.build.sandbox import (
    Link,
    Publish,
    RunRequest,
    Sandbox,
    Scratch,
    Volume,
    bwrap_arguments,
    identify,
)
from lightship.errors import UsageError
from lightship.oci.model import Execution
from lightship.oci.user import Identity

EXECUTION = Execution(
    user="app", env=("PATH=/bin", "A=image"), entrypoint=("serve",), cmd=("--fast",), working_dir="/app"
)
APP = Identity(1001, 1002, "/home/app")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    for folder in ("bin", "app", "etc"):
        (made / folder).mkdir(parents=True)
    (made / "bin/serve").touch(0o755)
    (made / "etc/passwd").write_text("app:x:1001:1002::/home/app:\n")
    return made


def pairs(arguments: list[str], option: str) -> list[tuple[str, str]]:
    return [(arguments[at + 1], arguments[at + 2]) for at, word in enumerate(arguments) if word == option]


def refuse(request: RunRequest, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Sandbox(Path("/nowhere/bwrap")).start(request)
    assert caught.value.where or caught.value.hint


def test_the_environment_is_the_images_and_the_requests_alone(root: Path) -> None:
    arguments = bwrap_arguments(RunRequest(root, EXECUTION, env={"A": "mine", "B": ""}), APP)
    assert arguments.index("--clearenv") < arguments.index("--setenv")
    assert pairs(arguments, "--setenv") == [("A", "mine"), ("B", ""), ("HOME", "/home/app"), ("PATH", "/bin")]


def test_what_an_image_leaves_out_has_the_engines_defaults(root: Path) -> None:
    arguments = bwrap_arguments(RunRequest(root, Execution(cmd=("serve",))), Identity(7, 0))
    assert dict(pairs(arguments, "--setenv")) == {
        "HOME": "/",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    assert arguments[-4:] == ["--chdir", "/", "--", "serve"]


def test_the_command_and_its_folder_are_the_images_or_the_requests(root: Path) -> None:
    assert bwrap_arguments(RunRequest(root, EXECUTION), APP)[-5:] == [
        "--chdir",
        "/app",
        "--",
        "serve",
        "--fast",
    ]
    request = RunRequest(root, EXECUTION, argv=("other", "--", "x"), workdir="/tmp", name="box")
    arguments = bwrap_arguments(request, APP)
    assert arguments[-6:] == ["--chdir", "/tmp", "--", "other", "--", "x"]
    assert arguments[arguments.index("--hostname") + 1] == "box"


def test_the_root_is_read_only_and_scratch_folders_are_in_memory(root: Path) -> None:
    arguments = bwrap_arguments(RunRequest(root, EXECUTION), APP)
    assert pairs(arguments, "--ro-bind") == [(str(root), "/")]
    assert not pairs(arguments, "--bind")
    scratch = [arguments[at + 1] for at, word in enumerate(arguments) if word == "--tmpfs"]
    assert scratch == ["/tmp", "/var/tmp", "/run", "/dev/shm"]


def test_nothing_of_the_host_is_kept_but_its_network(root: Path) -> None:
    arguments = bwrap_arguments(RunRequest(root, EXECUTION), APP)
    isolation = {"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"}
    assert isolation <= set(arguments)
    assert "--unshare-net" not in arguments
    assert arguments[arguments.index("--cap-drop") + 1] == "ALL"
    assert arguments[arguments.index("--uid") + 1] == "1001"
    assert arguments[arguments.index("--gid") + 1] == "1002"


def test_volumes_are_writable_unless_they_say_not(root: Path) -> None:
    volumes = (Volume(Path("/a"), "/data"), Volume(Path("/b"), "/models", read_only=True))
    arguments = bwrap_arguments(RunRequest(root, EXECUTION, volumes=volumes), APP)
    assert pairs(arguments, "--bind") == [("/a", "/data")]
    assert ("/b", "/models") in pairs(arguments, "--ro-bind")


def test_the_user_is_looked_up_in_the_image(root: Path) -> None:
    assert identify(RunRequest(root, EXECUTION)) == APP
    refuse(RunRequest(root, Execution(user="nobody", cmd=("serve",))), "does not know the user")


def test_the_users_file_is_not_read_outside_of_the_image(root: Path) -> None:
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to("/../../../../etc/passwd")
    refuse(RunRequest(root, Execution(user="daemon", cmd=("serve",))), "does not know the user")


def test_a_command_that_the_image_lacks_is_refused(root: Path) -> None:
    (root / "bin/data").touch(0o644)
    for argv in (("nope",), ("data",), ("/bin/nope",)):
        refuse(RunRequest(root, EXECUTION, argv=argv), "has no program")
    refuse(RunRequest(root, Execution(user="app")), "no command")
    refuse(RunRequest(root, EXECUTION, workdir="/none"), "working directory")


def test_a_taken_port_is_refused_before_anything_starts(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for publish in (Publish("127.0.0.1", port, port), Publish("127.0.0.1", port, 1)):
            refuse(RunRequest(root, EXECUTION, publish=(publish,)), f"port {port}")


def test_volumes_without_source_or_with_a_bad_place_are_refused(root: Path, tmp_path: Path) -> None:
    refuse(RunRequest(root, EXECUTION, volumes=(Volume(tmp_path / "none", "/x"),)), "does not exist")
    for place in ("x", "/a/../../x"):
        refuse(RunRequest(root, EXECUTION, volumes=(Volume(tmp_path, place),)), "absolute path")


def test_no_bubblewrap_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not installed") as caught:
        Sandbox.find(str(tmp_path))
    assert "bubblewrap" in caught.value.hint


def test_forbidden_namespaces_name_the_setting(tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(UsageError, match="does not let bubblewrap") as caught:
        Sandbox.find(str(tmp_path))
    assert "kernel.apparmor_restrict_unprivileged_userns" in caught.value.hint
    assert "No permissions" in caught.value.detail


def test_a_mount_that_ends_meanwhile_is_no_prohibition(tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\n[ -e {tmp_path}/again ] && exit 0\n: > {tmp_path}/again\nexit 1\n")
    fake.chmod(0o755)
    assert Sandbox.find(str(tmp_path)) == Sandbox(fake)


def test_mounts_are_made_in_order_after_volumes(root: Path) -> None:
    mounts = (Scratch("/app"), Link("/live/a.py", "/app/a.py"), Volume(root, "/app/pkg", read_only=True))
    request = RunRequest(root, EXECUTION, volumes=(Volume(root, "/live"),), mounts=mounts)
    words = " ".join(bwrap_arguments(request, APP))
    made = f"--tmpfs /app --symlink /live/a.py /app/a.py --ro-bind {root} /app/pkg --clearenv"
    assert f"--bind {root} /live {made}" in words
