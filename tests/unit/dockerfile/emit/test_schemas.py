"""What is emitted for others' programs is what their published schemas allow."""

from __future__ import annotations

import pytest
from check_jsonschema import main
from click.testing import CliRunner

from tests.support.emitted import GOLDEN


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("github-workflows", "*/.github/workflows/*.yml"),
        ("gitlab-ci", "*/.gitlab-ci.yml"),
        ("compose-spec", "*/compose.yaml"),
    ],
)
def test_the_published_schema_allows_it(schema: str, pattern: str) -> None:
    files = sorted(map(str, GOLDEN.glob(pattern)))
    assert files
    done = CliRunner().invoke(main, ["--builtin-schema", f"vendor.{schema}", *files])
    assert done.exit_code == 0, done.output
