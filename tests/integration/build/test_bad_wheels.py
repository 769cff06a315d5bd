"""Wheels that are not what they should be: a clear error, nothing wrong left behind, then a right image."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import IntegrityError, NetworkError, ResolutionError, UsageError
from lightship.oci.validate import validate
from lightship.wheels.lock import read_lock
from tests.integration.build.conftest import GREETING, Service
from tests.integration.build.damage import assert_intact, flip, follow_hint
from tests.support.index import simple_index
from tests.support.web import broken, serving
from tests.support.wheels import Packed, wheel_bytes

pytestmark = pytest.mark.integration
MODULE = {"greeting/__init__.py": b"def main() -> None:\n    print('good morning')\n"}
WRONG_RECORD = f"greeting/__init__.py,sha256={'A' * 43},46\ngreeting-1.0.dist-info/RECORD,,\n"
MakeService = Callable[[bytes], Service]


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: data[:2000] + b"x" + data[2001:]],
    ids=["truncated", "changed"],
)
def test_a_wheel_that_changed_after_the_lock(
    service: Service, reference: str, damage: Callable[[bytes], bytes]
) -> None:
    service.offer(damage(GREETING))
    said = service.fails(IntegrityError.exit_code, "--locked")
    assert service.wheel.name in said
    assert_intact(service.lightship)
    service.offer(GREETING)
    assert service.build("--locked") == reference


@pytest.mark.usefixtures("reference")
def test_a_wheel_that_is_gone(service: Service) -> None:
    service.wheel.unlink()
    said = service.fails(NetworkError.exit_code, "--locked")
    assert service.wheel.name in said
    assert_intact(service.lightship)


def test_a_wheel_that_breaks_off_on_its_way(service: Service) -> None:
    with serving() as web:
        web.answers = [simple_index(service.wheel.parent)]
        service = service.using(
            PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="", PIP_INDEX_URL=f"{web.url}/simple"
        )
        service.lightship.lock(service.folder)
        (wheel,) = (found.hashes["sha256"] for found in read_lock(service.lock_file).packages[0].wheels or ())
        (service.lightship.home.archives / "sha256" / wheel).unlink()
        web.answers = [broken(GREETING, 1000)]  # whatever is asked for
        said = service.fails(NetworkError.exit_code, "--locked")
        assert service.wheel.name in said
        assert_intact(service.lightship)
        web.answers = [simple_index(service.wheel.parent)]
        validate_build(service)


def validate_build(service: Service) -> None:
    service.build("--locked")
    validate(service.lightship.image("greeter:none"))


@pytest.mark.parametrize(
    ("files", "more", "complaint"),
    [
        ({"../../../etc/evil": b""}, {}, "etc/evil"),
        ({"/etc/evil": b""}, {}, "etc/evil"),
        ({"greeting-1.0.data/data/../../../../evil": b""}, {}, "evil"),
        ({"greeting/link": Packed(b"/etc", 0o120777)}, {}, "greeting/link"),
        ({}, {"entry_points": "[console_scripts]\n../../evil = greeting:main\n"}, "evil"),
        ({}, {"record": WRONG_RECORD}, "RECORD"),
    ],
    ids=["climbs", "absolute", "climbs from data", "symlink", "script climbs", "not its RECORD"],
)
def test_a_wheel_that_is_wrong(
    make_service: MakeService, files: dict[str, bytes], more: dict[str, Any], complaint: str
) -> None:
    service = make_service(wheel_bytes("greeting", "1.0", MODULE | files, **more))
    said = service.fails(IntegrityError.exit_code)
    assert complaint in said
    assert service.wheel.name in said
    assert_intact(service.lightship)
    outside = {path.name for path in service.folder.parent.iterdir()}
    assert outside == {"service", "wheels", "home"}
    assert not Path("/etc/evil").exists()
    service.offer(GREETING)
    service.lightship.lock(service.folder, "--upgrade")
    validate_build(service)


def test_a_requirement_that_nobody_offers(service: Service) -> None:
    (service.folder / "requirements.txt").write_text("greeting==2.0\n")
    assert "greeting" in service.fails(ResolutionError.exit_code)
    assert_intact(service.lightship)


def test_a_cached_wheel_that_the_disk_damaged(service: Service, reference: str) -> None:
    (wheel,) = (found.hashes["sha256"] for found in read_lock(service.lock_file).packages[0].wheels or ())
    service.build("--locked")
    shutil.rmtree(service.lightship.home.cache / "layers")
    flip(service.lightship.home.archives / "sha256" / wheel, 200)
    said = service.fails(IntegrityError.exit_code, "--locked")
    assert service.wheel.name in said
    follow_hint(service.lightship, said)
    assert service.build("--locked") == reference


def test_a_configuration_with_a_wrong_key(service: Service) -> None:
    file = service.folder / "pyproject.toml"
    file.write_text(file.read_text().replace("sources", "source"))
    said = service.fails(UsageError.exit_code)
    assert "did you mean sources?" in said
    assert str(file.name) in said
