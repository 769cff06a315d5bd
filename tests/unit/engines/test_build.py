from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lightship.build.machine import Machine
from lightship.engines.build import Order, build_with, pinned_images
from lightship.engines.model import BuildRequest, EngineImage
from lightship.errors import CheckError, StageError, UsageError
from lightship.events import Reporter, SilentReporter
from lightship.oci.layout import Layout
from tests.support.bases import base_image
from tests.support.locked import AMD64, Locked, locked_project, write_lock, write_lock_with_target
from tests.unit.engines.recording import DIGEST


@dataclass
class FakeEngine:
    """Keeps what it was asked, and what lay there at that time."""

    portable: bool = True
    failing: bool = False
    requests: list[BuildRequest] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "fake"

    def build(self, request: BuildRequest) -> None:
        self.requests.append(request)
        context = request.context
        self.files = {
            path.relative_to(context).as_posix(): path.read_text("latin-1")
            for path in context.rglob("*")
            if path.is_file()
        }
        self.files["Dockerfile"] = request.dockerfile.read_text()
        self.files["secret"] = request.secrets["pip"].read_text() if request.secrets else ""
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in request.secrets.values())
        if self.failing:
            raise StageError("it failed")

    def find(self, name: str) -> EngineImage:
        return EngineImage(DIGEST, len(name))

    def save(self, name: str, file: Path) -> None: ...


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    return locked_project(tmp_path)


def build(made: Locked, engine: FakeEngine, **wanted: object) -> list[str]:
    order = Order(**{"variants": ("none",), "platform": AMD64, **wanted})  # type: ignore[arg-type]
    return [item.name for item in build_with(engine, made.project(), order, machine(made))]


def machine(made: Locked, reporter: Reporter | None = None, **environ: str) -> Machine:
    """A machine without a configuration of pip, but for the variables that are given."""
    given = made.machine(reporter)
    return replace(given, environ={**given.environ, "PIP_CONFIG_FILE": os.devnull, **environ})


class Warnings(SilentReporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def warn(self, message: str) -> None:
        self.said.append(message)


def test_the_plan_is_built_from_a_context_of_its_own_files(made: Locked) -> None:
    (made.folder / "Dockerfile").write_text("FROM stale\n")
    (made.folder / ".env").write_text("PASSWORD=x\n")
    (made.folder / "notes.txt").write_text("not shipped\n")
    before = sorted(made.folder.rglob("*"))
    engine = FakeEngine()
    assert build(made, engine, extra=("--pull",)) == ["project:none"]
    (request,) = engine.requests
    assert sorted(engine.files) == [
        "Dockerfile",
        "app/main.py",
        "docker/lent/demo-1.0-py3-none-any.whl",
        "docker/lent/other-1.0-py3-none-any.whl",
        "docker/requirements/none.txt",
        "docker/slim.py",
        "docker/slim/none-wheels.json",
        "secret",
    ]
    assert engine.files["Dockerfile"].startswith("# Made by `lightship dockerfile --portable`")
    assert engine.files["secret"] == "[global]\nfind-links = /run/lightship\n"
    assert engine.files["Dockerfile"].count("source=docker/lent,target=/run/lightship") == 1
    assert (request.target, request.platform, request.extra) == ("production", AMD64, ("--pull",))
    assert request.arguments == {"TORCH_VARIANT": "none"}
    assert sorted(made.folder.rglob("*")) == before
    assert not request.context.exists()


def test_what_knows_link_gets_the_whole_form(made: Locked) -> None:
    engine = FakeEngine(portable=False)
    build(made, engine)
    assert engine.files["Dockerfile"].startswith("# syntax=docker/dockerfile:1\n")
    assert "COPY --link" in engine.files["Dockerfile"]


def test_a_target_is_built_with_its_stage_and_its_name(made: Locked) -> None:
    write_lock_with_target(made)
    engine = FakeEngine()
    assert build(made, engine, target="development") == ["project:none-development"]
    assert engine.requests[0].target == "development"
    assert "AS development" in engine.files["Dockerfile"]
    assert "docker/requirements/none-development.txt" in engine.files


def test_an_image_can_be_named(made: Locked) -> None:
    assert build(made, FakeEngine(), name="mine") == ["mine:latest"]


def test_what_fails_leaves_nothing_behind(made: Locked) -> None:
    with pytest.raises(StageError):
        build(made, FakeEngine(failing=True))
    contexts = Path(made.environ["LIGHTSHIP_HOME"], "cache", "contexts")
    assert [path.suffix for path in contexts.iterdir()] == [".lock"]


def test_an_unknown_variant_or_target_and_a_missing_lock_come_before_any_build(made: Locked) -> None:
    engine = FakeEngine()
    with pytest.raises(UsageError, match="unknown variant 'nonne'") as caught:
        build(made, engine, variants=("nonne",), locked=True)
    assert caught.value.hint == "did you mean 'none'?"
    with pytest.raises(UsageError, match="developmant"):
        build(made, engine, target="developmant", locked=True)
    made.lock.unlink()
    with pytest.raises(CheckError):
        build(made, engine, locked=True)
    assert engine.requests == []


def test_a_client_certificate_is_not_lent_and_that_is_said(made: Locked) -> None:
    warnings = Warnings()
    order = Order(variants=("none",), platform=AMD64)
    given = machine(made, warnings, PIP_CLIENT_CERT="/key.pem")
    list(build_with(FakeEngine(), made.project(), order, given))
    assert warnings.said == ["pip's client-cert stays on this machine: the builder goes without it"]


def test_a_base_in_a_layout_is_handed_over_as_the_lock_pins_it(made: Locked) -> None:
    base = base_image(Layout(made.folder / "base"))
    (made.folder / "lightship.toml").write_text('base = "oci:base"\n')
    write_lock(made, "oci:base", {AMD64: base.descriptor.digest})
    engine = FakeEngine()
    build(made, engine)
    assert engine.requests[0].layouts["base"].digest == base.descriptor.digest
    assert "ARG PYTHON_IMAGE=base\n" in engine.files["Dockerfile"]
    assert "/opt/venv" in engine.files["Dockerfile"]  # the base's Python is Debian's own


def test_a_base_of_a_registry_is_what_the_engine_gets_by_its_digest(made: Locked) -> None:
    store = made.machine().home.images
    base = base_image(store, name="")
    name = "registry.example.com/team/python:3.11"
    (made.folder / "lightship.toml").write_text(f'base = "{name}"\n')
    write_lock(made, name, {AMD64: base.descriptor.digest})
    engine = FakeEngine()
    build(made, engine)
    assert engine.requests[0].layouts == {}
    assert f"ARG PYTHON_IMAGE={name}@{base.descriptor.digest}\n" in engine.files["Dockerfile"]
    text = "".join(engine.files.values())
    assert "oci-layout" not in text


def test_a_base_that_only_our_store_has_is_refused(made: Locked) -> None:
    base = base_image(made.machine().home.images, name="mine:1")
    (made.folder / "lightship.toml").write_text('base = "mine:1"\n')
    write_lock(made, "mine:1", {AMD64: base.descriptor.digest})
    with pytest.raises(UsageError, match="mine:1 is in Lightship's own store alone") as error:
        build(made, FakeEngine())
    assert "oci:DIR" in error.value.hint


def test_images_of_layouts_are_pinned_by_the_names_that_the_dockerfile_has(tmp_path: Path) -> None:
    from tests.support.emitted import plans, project

    of = project(tmp_path / "project")
    plan = plans(of, ("none",))["none", "production"][AMD64]
    assert pinned_images(of, plan) == {
        "weights": ("oci:../weights", "sha256:" + "0" * 64),
        "registry.example.com/tool:1": ("registry.example.com/tool:1", "sha256:" + "0" * 64),
    }
