"""The article's Dockerfiles build and start, and what is wrong with them is really in them.

Without torch, which changes none of that; `make bench-article` builds them with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.article.conftest import Built
from tests.support.programs import Run

pytestmark = pytest.mark.integration
HEALTHY_WITHIN = 60.0
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/health', timeout=5).status)"


@contextmanager
def running(client: Run, tag: str) -> Iterator[str]:
    container = client("run", "--detach", "--network", "none", tag).strip()
    try:
        yield container
    finally:
        client("container", "rm", "--force", container)


def status(client: Run, container: str) -> str:
    """What `/health` says, asked inside of the container, which has no network."""
    deadline = time.monotonic() + HEALTHY_WITHIN
    while True:
        try:
            return client("exec", container, "python", "-c", ASK).strip()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def layers(client: Run, tag: str) -> list[tuple[int, str]]:
    """Bytes and instruction of every layer, the newest first."""
    form = "{{.Size}} {{.CreatedBy}}"
    lines = client("image", "history", "--human=false", "--no-trunc", "--format", form, tag).splitlines()
    return [(int(size), made) for size, _, made in (line.partition(" ") for line in lines)]


def layer(client: Run, tag: str, part: str) -> int:
    (size,) = [size for size, made in layers(client, tag) if part in made]
    return size


@pytest.mark.parametrize(
    ("name", "target", "arguments", "user"),
    [
        ("slim", "", {}, "0"),
        ("variants", "", {"TORCH_VARIANT": "none"}, "1001"),
        ("targets", "production", {}, "1001"),
    ],
)
def test_it_builds_and_starts(
    built: Built, client: Run, name: str, target: str, arguments: dict[str, str], user: str
) -> None:
    with running(client, built(name, target, **arguments)) as container:
        assert status(client, container) == "200"
        assert client("exec", container, "id", "--user").strip() == user


def test_the_wheels_it_removes_stay_in_a_layer(built: Built, client: Run) -> None:
    tag = built("variants", TORCH_VARIANT="none")
    assert layer(client, tag, "COPY /wheels") > 10_000_000
    assert client("run", "--rm", "--network", "none", tag, "sh", "-c", "ls -d /wheels || true") == ""


def test_chown_stores_the_application_a_second_time(built: Built, client: Run) -> None:
    tag = built("variants", TORCH_VARIANT="none")
    assert layer(client, tag, "chown -R") >= layer(client, tag, "COPY app/") > 0


def test_the_index_is_asked_again_in_the_last_stage(built: Built, client: Run) -> None:
    tag = built("variants", TORCH_VARIANT="none")
    said = client("run", "--rm", "--network", "none", tag, "pip", "--version")
    assert not said.startswith("pip 24.0 ")  # the base has this one, and the wheels have none


def test_the_command_is_a_shell(built: Built, client: Run) -> None:
    tag = built("variants", TORCH_VARIANT="none")
    assert client("image", "inspect", "--format", "{{index .Config.Cmd 0}}", tag) == "sh\n"


def test_copied_site_packages_leave_the_commands_behind(built: Built, client: Run) -> None:
    tag = built("site-packages")
    look = "command -v gunicorn || echo absent; python -c 'import gunicorn'"
    assert client("run", "--rm", "--network", "none", tag, "sh", "-c", look) == "absent\n"


def test_copying_everything_ships_tests_and_documents(built: Built, client: Run) -> None:
    said = client("run", "--rm", "--network", "none", built("naive"), "ls", "/app")
    assert {"README.md", "tests", "requirements-dev.txt"} <= set(said.split())


def test_development_has_the_tools_and_reloads(built: Built, client: Run) -> None:
    tag = built("targets", "development")
    assert "--reload" in client("image", "inspect", "--format", "{{.Config.Cmd}}", tag)
    assert client("run", "--rm", "--network", "none", tag, "pytest", "--version").startswith("pytest ")
