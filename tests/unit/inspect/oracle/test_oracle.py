from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from lightship.build import building
from lightship.build.building import build_plan, plan_project
from lightship.build.outputs import output_entries
from lightship.digest import hex_of, of_bytes
from lightship.errors import CheckError, UsageError
from lightship.events import SilentReporter
from lightship.fs.tree import with_parents
from lightship.inspect.oracle import oracle, ratios, starts
from lightship.inspect.oracle.model import MEASURED, PREDICTED, Prediction
from lightship.inspect.oracle.oracle import Oracle
from lightship.inspect.oracle.plans import look_out
from lightship.inspect.oracle.projects import Forecast, Wanted
from lightship.inspect.oracle.strategies import FULL, SLIM
from lightship.oci.blob import write_layer
from lightship.oci.layout import Layout
from lightship.oci.record import Compression
from lightship.plan.model import BaseLayer, BytecodeLayer, FilesLayer
from lightship.plan.stages import ImageOrigin, Origin, StageLayer, StageOrigin
from lightship.project.start import Start, start_path, write_start
from tests.support.bases import base_image
from tests.support.locked import AMD64, Locked, write_lock, write_lock_with_target


class Heard(SilentReporter):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def predict(made: Locked, target: str = "production") -> Prediction:
    project, machine = made.project(), made.machine()
    outlook = look_out(project, "none", AMD64, machine, target=target)
    return Oracle(project, machine).predict(outlook, "demo")


def build(made: Locked) -> tuple[int, int]:
    project, machine = made.project(), made.machine()
    plan = plan_project(project, "none", AMD64, machine, locked=True)
    built = build_plan(project, plan, machine, Compression.GZIP)
    return built.unpacked, built.compressed


def test_a_prediction_is_what_is_then_built(plain: Locked) -> None:
    predicted = predict(plain)
    assert predicted.basis == PREDICTED
    assert not predicted.notes
    unpacked, compressed = build(plain)
    assert predicted.unpacked == unpacked
    assert abs(predicted.compressed - compressed) < compressed / 10


def test_what_is_built_is_measured(plain: Locked) -> None:
    unpacked, compressed = build(plain)
    found = predict(plain)
    assert (found.unpacked, found.compressed, found.basis) == (unpacked, compressed, MEASURED)
    (plain.folder / "app" / "more.txt").write_text("x" * 5000)
    assert predict(plain).basis == PREDICTED


def test_a_second_prediction_reads_no_archive(plain: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    first = predict(plain)
    monkeypatch.setattr(oracle, "tally", None)
    monkeypatch.setattr(oracle, "write_layer", None)
    assert predict(plain) == first


def test_where_imports_cannot_be_read_bytecode_is_guessed(
    made: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starts, "guess_start", lambda *_: None)
    outlook = look_out(made.project(), "none", AMD64, made.machine())
    assert outlook.guessed
    assert "no start is recorded" in outlook.notes[0]
    assert any(isinstance(layer, BytecodeLayer) and layer.modules is None for layer in outlook.plan.layers)
    found = predict(made)
    assert "guessed from other services" in found.notes[0]
    sizes = {layer.title: layer.unpacked for layer in found.layers}
    assert 0 < sizes["bytecode: other"] < sizes["python: other 1.0"]


def test_without_a_recorded_start_imports_are_read(made: Locked) -> None:
    (made.folder / "app" / "main.py").write_text(
        "from fastapi import FastAPI\nimport demo\napp = FastAPI()\n"
    )
    write_lock(made)
    found = predict(made)
    titles = [layer.title for layer in found.layers if layer.title.startswith("bytecode")]
    assert titles == ["bytecode: demo", "bytecode: application"]
    assert found.notes == (
        "no start is recorded: what it imports, and so the bytecode, is read from import statements",
    )
    assert predict(made) == found


def test_with_a_recorded_start_only_its_modules_are_counted(made: Locked) -> None:
    start = Start(python="3.11", distributions={"demo": "1.0"}, modules={"demo": ("demo.py",)})
    write_start(start_path(made.folder, "none"), start)
    outlook = look_out(made.project(), "none", AMD64, made.machine())
    assert not outlook.guessed
    layers = [layer for layer in outlook.plan.layers if isinstance(layer, BytecodeLayer)]
    assert [layer.title for layer in layers] == ["bytecode: demo", "bytecode: application"]


def test_a_traced_image_without_a_record_is_told_untraced(made: Locked) -> None:
    (made.folder / "lightship.toml").write_text(
        'trim = "traced"\nhealth = "http://:8000/health"\n[check]\ncommand = ["python", "check.py"]\n'
    )
    write_lock(made)
    notes = look_out(made.project(), "none", AMD64, made.machine()).notes
    assert "what it does not open is counted" in notes[0]


def test_big_debian_packages_are_estimated(plain: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = predict(plain)
    monkeypatch.setattr(oracle, "_MOST_DEBS", 0)
    monkeypatch.setattr(ratios, "RULES", 0)  # what is remembered does not count
    for path in (plain.machine().home.archives / "sha256").iterdir():
        path.unlink()
    estimated = predict(plain)
    outlook = look_out(plain.project(), "none", AMD64, plain.machine())
    base = next(layer for layer in outlook.plan.layers if isinstance(layer, BaseLayer))
    assert estimated.layers[0].unpacked == int(base.download * ratios.DEB_UNPACKED)
    assert estimated.layers[1:] == exact.layers[1:]


def test_a_targets_own_layers_are_counted(plain: Locked) -> None:
    write_lock_with_target(plain)
    titles = [layer.title for layer in predict(plain, "development").layers]
    assert "tools: 1 Debian package" in titles
    assert "python: extra 1.0" in titles


def test_a_target_without_a_lock_is_refused(plain: Locked) -> None:
    with pytest.raises(UsageError) as error:
        look_out(plain.project(), "none", AMD64, plain.machine(), target="development")
    assert "lightship lock --target development" in error.value.hint


def test_a_stale_lock_is_refused_where_it_must_not_be(plain: Locked) -> None:
    (plain.folder / "requirements.txt").write_text("demo\n")
    with pytest.raises(CheckError, match="stale"):
        look_out(plain.project(), "none", AMD64, plain.machine(), locked=True)


def test_the_layers_of_a_base_are_known(plain: Locked) -> None:
    base = base_image(Layout(plain.folder / "base"))
    with (plain.folder / "lightship.toml").open("a") as file:
        file.write('base = "oci:base"\n')
    write_lock(plain, "oci:base", {AMD64: base.descriptor.digest})
    predicted = predict(plain)
    below = [layer for layer in predicted.layers if layer.title.startswith("base: layer")]
    assert [layer.identity for layer in below] == [layer.digest for layer in base.manifest.layers]
    assert {layer.basis for layer in below} == {MEASURED}
    assert predicted.unpacked == build(plain)[0]


def test_layers_that_a_lock_records_are_known(plain: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    project, machine = plain.project(), plain.machine()
    plan = plan_project(project, "none", AMD64, machine, locked=True)
    built = build_plan(project, plan, machine, Compression.GZIP)
    pins = {layer.key: layer.record for layer in built.layers}
    monkeypatch.setattr(building, "pinned_layers", lambda *_: pins)
    for path in (machine.home.cache / "layers").rglob("*"):
        if path.is_file():
            path.unlink()
    assert (predict(plain).unpacked, predict(plain).basis) == (built.unpacked, MEASURED)


STAGE = StageOrigin("model", of_bytes(b"all that it depends on"))

FAR = ImageOrigin("weights.example.com/model:1", STAGE.digest)


def predict_with(plain: Locked, origin: Origin) -> Prediction:
    """Predict an image that takes `/out` of a stage or an image, too."""
    project, machine = plain.project(), plain.machine()
    outlook = look_out(project, "none", AMD64, machine)
    layers = (*outlook.plan.layers, StageLayer("model", origin, (("/out", "/app/models"),)))
    outlook = replace(outlook, plan=msgspec.structs.replace(outlook.plan, layers=layers))
    return Oracle(project, machine).predict(outlook, "demo")


def test_what_a_stage_made_before_is_measured(plain: Locked) -> None:
    out = plain.machine().home.cache / "stages" / hex_of(STAGE.digest) / "out"
    out.mkdir(parents=True)
    (out / "weights").write_bytes(bytes(range(256)) * 1000)
    found = predict_with(plain, STAGE)
    entries = output_entries(out.parent, "/out", "/app/models", STAGE)
    with Path(os.devnull).open("wb") as nowhere:
        made = write_layer(with_parents(entries), nowhere, Compression.GZIP)
    (layer,) = (layer for layer in found.layers if layer.title.startswith("stage"))
    assert (layer.unpacked, layer.compressed, layer.basis) == (made.unpacked, made.descriptor.size, MEASURED)
    assert (found.notes, found.without, found.basis) == ((), (), PREDICTED)
    (out / "more").write_bytes(b"it ran again, and wrote more")
    os.utime(out.parent, ns=(1, 1))
    assert predict_with(plain, STAGE).unpacked == found.unpacked + 1024


@pytest.mark.parametrize(
    ("origin", "name", "why"),
    [
        (STAGE, "stage model", "it is known once the stage ran here"),
        (FAR, "image weights.example.com/model:1", "the image is not unpacked here"),
    ],
)
def test_what_is_not_here_is_named(plain: Locked, origin: Origin, name: str, why: str) -> None:
    found = predict_with(plain, origin)
    assert found.unpacked == predict(plain).unpacked
    assert found.without == (name,)
    assert found.notes == (f"/app/models of {name} is not counted: {why}",)


def test_strategies_add_up_what_the_image_is_made_from(plain: Locked) -> None:
    forecast = Forecast(plain.project(), plain.machine())
    (own,) = forecast.predict(Wanted(variants=("none",)))
    (naive, left, slim), steps = forecast.strategies()
    outlook = look_out(plain.project(), "none", AMD64, plain.machine())
    files = [
        layer.unpacked
        for layer, plan in zip(own.layers, outlook.plan.layers, strict=True)
        if isinstance(plan, FilesLayer)
    ]
    wheels = sum(wheel.size for wheel in outlook.plan.wheels)
    assert naive.unpacked - slim.unpacked == FULL[0] - SLIM[0] == steps[0].unpacked
    assert left.unpacked - slim.unpacked == wheels == steps[1].compressed
    assert slim.unpacked > SLIM[0] + sum(files)
    assert [step.step for step in steps] == ["headers and compilers out", "wheels not kept", "Lightship"]


def test_no_project_has_no_strategies(plain: Locked) -> None:
    assert Forecast(plain.project(), plain.machine()).strategies() == ((), ())


def test_an_unknown_variant_is_refused(plain: Locked) -> None:
    with pytest.raises(UsageError, match="unknown variant"):
        Forecast(plain.project(), plain.machine()).predict(Wanted(variants=("nune",)))


def test_of_all_variants_those_that_fail_are_left_out(plain: Locked) -> None:
    with (plain.folder / "lightship.toml").open("a") as file:
        file.write('variant = "none"\n[variants.none]\nrequirements = ["requirements.txt"]\n')
        file.write('[variants.other]\nrequirements = ["other.txt"]\n')
    (plain.folder / "other.txt").write_text("nowhere-to-be-found\n")
    write_lock(plain)
    heard = Heard()
    machine = replace(plain.machine(), reporter=heard)
    (found,) = Forecast(plain.project(), machine).predict(Wanted())
    assert found.name == "project:none"
    assert [line.partition(" is left out: ")[0] for line in heard.warnings] == ["project:other"]
    with pytest.raises(UsageError, match="development is not locked"):
        Forecast(plain.project(), machine).predict(Wanted(targets=("development",)))
