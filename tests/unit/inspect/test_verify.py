from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from lightship.errors import UsageError
from lightship.events import SilentReporter
from lightship.fs.entries import regular
from lightship.inspect.checks.configuration import Demands
from lightship.inspect.findings import Report
from lightship.inspect.verify import StartOptions, verify_image
from lightship.oci.layout import LayoutImage
from lightship.oci.model import MEDIA_CONFIG, MEDIA_MANIFEST, Execution, Healthcheck, encode
from tests.support.elves import elf

MakeImage = Callable[..., LayoutImage]
GOOD = Execution(user="1001:1001", healthcheck=Healthcheck(("CMD", "x")))


def verify(image: LayoutImage, cache: Path, budget: int | None = None) -> Report:
    return verify_image(image, cache=cache, sandbox=None, reporter=SilentReporter(), demands=Demands(budget))


def test_a_good_image_passes(make_image: MakeImage, tmp_path: Path) -> None:
    report = verify(make_image([regular("app/main.py", b"")], execution=GOOD), tmp_path, 1_000_000)
    assert report.passed
    assert [item.rule for item in report.findings] == ["LV505-imports-not-tried"]
    assert (report.platform, report.layers, report.files, report.budget) == ("linux/amd64", 1, 2, 1_000_000)


def test_errors_come_first_and_fail(make_image: MakeImage, tmp_path: Path) -> None:
    image = make_image([regular("bin/sh", elf(["libnone.so"]), 0o755)])
    report = verify(image, tmp_path, 10)
    assert not report.passed
    assert [item.rule for item in report.findings] == [
        "LV201-missing-library",
        "LV301-root",
        "LV401-budget",
        "LV103-shell",
        "LV311-no-health-check",
        "LV505-imports-not-tried",
    ]


def test_the_report_is_plain_values(make_image: MakeImage, tmp_path: Path) -> None:
    report = verify(make_image([regular("bin/gcc", b"", 0o755)], execution=GOOD), tmp_path)
    values = json.loads(json.dumps(report.to_json()))
    assert values["passed"] is False
    assert values["findings"][0]["severity"] == "error"
    assert set(values["findings"][0]) == {"rule", "severity", "where", "message", "remedy"}


def test_a_second_time_nothing_is_read_again(make_image: MakeImage, tmp_path: Path) -> None:
    image = make_image([regular("usr/lib/a.so", elf(["libnone.so"]))], execution=GOOD)
    first = verify(image, tmp_path / "cache")
    for layer in image.layers:
        image.layout.blob_path(layer.descriptor.digest).unlink()
    assert verify(image, tmp_path / "cache") == first


def test_damaged_facts_are_made_again(make_image: MakeImage, tmp_path: Path) -> None:
    image = make_image([regular("usr/lib/a.so", elf(["libnone.so"]))], execution=GOOD)
    first = verify(image, tmp_path / "cache")
    [facts] = (tmp_path / "cache/facts").iterdir()
    facts.write_bytes(b"\xc1")
    assert verify(image, tmp_path / "cache") == first


def test_starting_needs_a_sandbox(make_image: MakeImage, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be started here"):
        verify_image(
            make_image([regular("a", b"")], execution=GOOD),
            cache=tmp_path,
            sandbox=None,
            reporter=SilentReporter(),
            start=StartOptions(),
        )


def test_an_image_for_an_unknown_machine_is_refused(make_image: MakeImage, tmp_path: Path) -> None:
    image = make_image([regular("a", b"")])
    config = msgspec.structs.replace(image.config, architecture="riscv64")
    written = image.layout.write(MEDIA_CONFIG, encode(config))
    manifest = msgspec.structs.replace(image.manifest, config=written)
    foreign = image.layout.image(image.layout.write(MEDIA_MANIFEST, encode(manifest)))
    with pytest.raises(UsageError, match="the image is for linux/riscv64, whose programs are not known"):
        verify(foreign, tmp_path)


def test_tools_are_looked_for_in_images_for_production_only(make_image: MakeImage, tmp_path: Path) -> None:
    labels = {"io.lightship.target": "development"}
    shell, header = regular("bin/sh", elf(["libnone.so"]), 0o755), regular("usr/include/a.h", b"int a;")
    image = make_image([shell, header], execution=msgspec.structs.replace(GOOD, labels=labels))
    report = verify(image, tmp_path)
    rules = [item.rule for item in report.findings]
    assert "LV201-missing-library" in rules
    assert not any(rule.startswith("LV1") for rule in rules)
    (said,) = (item for item in report.findings if item.rule == "LV701-not-production")
    assert said.message == "it is for development: 2 findings about tools and headers left out"
