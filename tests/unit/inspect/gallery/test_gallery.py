from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightship.events import SilentReporter
from lightship.inspect.checks.configuration import Demands
from lightship.inspect.checks.imports import NOT_TRIED
from lightship.inspect.findings import Report
from lightship.inspect.osv import OsvFiles
from lightship.inspect.reading import know_layers
from lightship.inspect.rules import RULES
from lightship.inspect.verify import verify_image
from lightship.oci.layout import Layout
from lightship.oci.record import LayerRecord
from tests.support.images import add_layer
from tests.unit.inspect.gallery.clean import CLEAN
from tests.unit.inspect.gallery.defects import DEFECTS
from tests.unit.inspect.gallery.making import Shown, clean_layer, made

STARTED = ("LV501", "LV502", "LV503", "LV504", "LV505", "LV506", "LV601", "LV602", "LV603", "LV604")
"""What only an image that runs can show: see tests/integration/verify."""
OTHERS = ("LV001", *STARTED)
DEMANDS = Demands(budget=2_500_000, labels=("org.opencontainers.image.source",))


def advisory(name: str, ecosystem: str, package: str, introduced: str, fixed: str) -> dict[str, object]:
    events = [{"introduced": introduced}, {"fixed": fixed}]
    affected = {
        "package": {"name": package, "ecosystem": ecosystem},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return {"id": name, "summary": "it leaks", "affected": [affected]}


ADVISORIES = [
    advisory("PYSEC-2023-74", "PyPI", "Requests", "2.3.0", "2.31.0"),
    advisory("DEBIAN-CVE-2023-5678", "Debian:12", "openssl", "0", "3.0.13-1~deb12u1"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made_folder = tmp_path_factory.mktemp("gallery")
    (made_folder / "advisory.json").write_text(json.dumps(ADVISORIES))
    return made_folder


@pytest.fixture(scope="module")
def layout(folder: Path) -> Layout:
    made_layout = Layout(folder / "layout")
    made_layout.create()
    return made_layout


@pytest.fixture(scope="module")
def clean(layout: Layout) -> LayerRecord:
    return add_layer(layout, clean_layer())


def verify(layout: Layout, clean: LayerRecord, shown: Shown) -> Report:
    report = verify_image(
        made(layout, clean, shown),
        cache=layout.path.parent / "cache",
        sandbox=None,
        reporter=SilentReporter(),
        demands=DEMANDS,
        advisories=[OsvFiles(layout.path.parent / "advisory.json")],
    )
    assert [item.rule for item in report.findings].count(NOT_TRIED.id) == 1
    return report


def rules(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings} - {NOT_TRIED.id}


@pytest.mark.parametrize(
    ("rule", "shown"),
    [pytest.param(rule, shown, id=f"{rule}: {shown.name}") for rule in DEFECTS for shown in DEFECTS[rule]],
)
def test_a_defect_is_found_by_its_rule_alone(
    layout: Layout, clean: LayerRecord, rule: str, shown: Shown
) -> None:
    assert rules(verify(layout, clean, shown)) == {rule}


@pytest.mark.parametrize("shown", CLEAN, ids=lambda shown: shown.name)
def test_in_a_clean_image_nothing_is_found(layout: Layout, clean: LayerRecord, shown: Shown) -> None:
    report = verify(layout, clean, shown)
    assert rules(report) == set(), report.findings


def test_the_gallery_shows_every_rule_of_what_is_not_run() -> None:
    shown = [rule.id for rule in RULES if not rule.id.startswith(OTHERS)]
    assert list(DEFECTS) == sorted(shown)
    assert sum(map(len, DEFECTS.values())) >= 40


def test_no_finding_repeats_a_secret(layout: Layout, clean: LayerRecord) -> None:
    from tests.unit.inspect.gallery.defects import AWS, GITHUB, OPENAI, PASSWORD
    from tests.unit.inspect.gallery.making import RANDOM

    said = [
        text
        for rule in DEFECTS
        if rule.startswith(("LV33", "LV34"))
        for shown in DEFECTS[rule]
        for finding in verify(layout, clean, shown).findings
        for text in (finding.where, finding.message)
    ]
    secrets = (AWS.decode(), GITHUB.decode(), OPENAI, PASSWORD, RANDOM[:18])
    assert not [text for text in said for secret in secrets if secret in text]


def test_layers_that_were_unpacked_say_what_streams_of_them_say(layout: Layout, clean: LayerRecord) -> None:
    cache, reporter = layout.path.parent, SilentReporter()
    for shown in (*CLEAN, *(each for group in DEFECTS.values() for each in group)):
        layers = made(layout, clean, shown).layers
        streamed = know_layers(layers, cache=cache / "streamed", reporter=reporter)
        unpacked = know_layers(layers, cache=cache / "unpacked", reporter=reporter, unpack=True)
        assert [each.facts for each in streamed] == [each.facts for each in unpacked], shown.name
