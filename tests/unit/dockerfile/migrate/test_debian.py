from __future__ import annotations

import pytest

from tests.unit.dockerfile.migrate.migrating import migrated, settings, told

START = "FROM python:3.11-slim\nUSER 1\n"


@pytest.mark.parametrize(
    ("package", "key"),
    [
        ("ffmpeg", "runtime-packages"),
        ("tesseract-ocr", "runtime-packages"),
        ("libmagic1", "runtime-packages"),
        ("libsndfile1", "runtime-packages"),
        ("libpq-dev", "build-packages"),
        ("cmake", "build-packages"),
        ("libpq5=15.6-0+deb12u1", ""),
        ("libglib2.0-0", ""),
        ("libffi8", ""),
        ("gcc", ""),
        ("build-essential", ""),
        ("python3-pip", ""),
        ("ca-certificates", ""),
        ("software-properties-common", ""),
        ("vim", ""),
    ],
)
def test_where_a_package_of_the_final_stage_goes(package: str, key: str) -> None:
    made = settings(f"{START}RUN apt-get update && apt-get install -y {package}\n")
    name = package.partition("=")[0]
    assert {one: made[one] for one in ("runtime-packages", "build-packages") if one in made} == (
        {key: [name]} if key else {}
    )


def test_packages_of_builders_are_for_builds() -> None:
    text = (
        "FROM python:3.11 AS b\nRUN apt-get install -y gcc libxml2-dev ffmpeg\nCOPY requirements.txt .\n"
        "RUN pip wheel -w /w/wheels -r requirements.txt\n"
        "FROM python:3.11-slim\nCOPY --from=b /w/wheels /wheels\nUSER 1\n"
    )
    made = settings(text)
    assert made["build-packages"] == ["libxml2-dev", "ffmpeg"]
    assert "runtime-packages" not in made


def test_libraries_are_found_by_themselves_and_a_hint_says_when_not() -> None:
    made = migrated(f"{START}RUN apt-get install -y libpq5\n")
    row = next(row for row in made.rows if "libpq5" in row.message)
    assert (row.kind, row.message) == ("not needed", "libpq5: found by itself where a wheel links to it")
    assert row.hint == 'if Python code loads it by name: runtime-packages = ["libpq5"]'


def test_a_program_that_is_started_is_kept() -> None:
    text = f'{START}RUN apt-get install -y curl wget\nCMD ["curl", "https://example.com"]\n'
    made = migrated(text)
    assert made.settings["runtime-packages"] == ["curl"]
    assert "3: wget: nothing in the image calls it, as far as this file tells" in told(made, "not needed")


def test_other_distributions_and_services_are_told() -> None:
    made = migrated(f"{START}RUN apk add --no-cache ffmpeg gcc\nRUN apt-get install -y nginx $MORE\n")
    assert told(made, "by hand")[:3] == [
        "1: no requirements were found",
        "3: packages of Alpine: ffmpeg",
        "4: nginx: a second service beside the first",
    ]
    assert "4: $MORE: a variable names packages" in told(made, "by hand")


def test_tidying_is_not_needed() -> None:
    text = (
        f"{START}RUN apt-get update && apt-get upgrade -y && apt-get clean && rm -rf /var/lib/apt/lists/*\n"
    )
    assert told(migrated(text), "by hand") == ["1: no requirements were found"]
