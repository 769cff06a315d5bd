from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.home import Home
from lightship.build.usage import Distributions, Facts, torch_notes
from lightship.digest import of_bytes
from lightship.oci.model import Execution
from lightship.plan.model import Plan, WheelsLayer
from lightship.plan.planner import Selection
from lightship.project.usage import Sign, Usage
from lightship.wheels.model import LockedWheel
from tests.support.wheels import Files, wheel_bytes

UNUSED = Usage((), ())
USED = Usage((Sign("app/main.py", 3, "sentences"),), ())


def stored(home: Home, name: str, files: Files, *requires: str) -> LockedWheel:
    data = wheel_bytes(name.replace("-", "_"), "1.0", files, requires=requires)
    digest = of_bytes(data).removeprefix("sha256:")
    path = home.archives / "sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return LockedWheel(name, "1.0", f"{name}-1.0-py3-none-any.whl", "", digest, 10_000_000)


def plan_of(*wheels: LockedWheel) -> Plan:
    layer = WheelsLayer("opt/venv", "3.11", wheels)
    return Plan("demo", "cpu", "production", "amd64", (layer,), Execution(), of_bytes(b""))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "data", tmp_path / "cache")


def test_the_chain_from_an_import_to_torch_is_named(home: Home) -> None:
    torch = stored(home, "torch", {"torch/__init__.py": b""})
    user = stored(home, "sentences", {"sentences/__init__.py": b""}, "torch>=2; python_version > '3'")
    (note,) = torch_notes(plan_of(torch, user), USED, {}, home)
    assert note == "PyTorch is used: app/main.py:3 imports sentences, which requires torch"


def test_torch_that_nothing_imports_is_named_with_its_size(home: Home) -> None:
    torch = stored(home, "torch", {"torch/__init__.py": b""})
    (note,) = torch_notes(plan_of(torch), UNUSED, {}, home)
    assert "nothing in the code imports it" in note
    assert "10 MB" in note


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (Usage(USED.imports, ()), "nothing in the code asks for it"),
        (Usage(USED.imports, (Sign("app/main.py", 9, ".cuda"),)), "used: .cuda at app/main.py:9"),
    ],
)
def test_cuda_is_judged_by_signs_in_the_code(home: Home, usage: Usage, words: str) -> None:
    torch = stored(home, "torch", {"torch/__init__.py": b""})
    cuda = stored(home, "nvidia-cublas", {"nvidia/cublas/__init__.py": b""})
    notes = torch_notes(plan_of(torch, cuda), usage, {}, home)
    assert any(words in note for note in notes)


def test_other_variants_say_what_they_would_save(home: Home) -> None:
    torch = stored(home, "torch", {"torch/__init__.py": b""})
    other = Selection(of_bytes(b""), "bookworm", "3.11", (), ())
    assert torch_notes(plan_of(torch), UNUSED, {"none": other}, home)[-1] == (
        "variant none has 10 MB less of wheels"
    )


def test_nothing_is_said_before_the_wheels_are_there(home: Home) -> None:
    missing = LockedWheel("torch", "1.0", "torch.whl", "", "0" * 64, 1)
    assert torch_notes(plan_of(missing), UNUSED, {}, home) == ()


def test_requirements_that_go_in_circles_end() -> None:
    circle = Distributions({"a": Facts(("a",), ("b",)), "b": Facts(("b",), ("a",))})
    assert circle.path_to("torch", "a") == ()
