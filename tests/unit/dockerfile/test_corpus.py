from __future__ import annotations

from pathlib import Path

import pytest

from lightship.dockerfile.fix import fix_text
from lightship.dockerfile.lint import Options, lint_text

CORPUS = sorted((Path(__file__).parents[2] / "data/dockerfiles").glob("*.Dockerfile"))


def test_the_corpus_is_there() -> None:
    assert len(CORPUS) >= 40
    assert len({path.read_text("utf-8") for path in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_is_found_is_what_is_wrong(path: Path) -> None:
    found = lint_text(path.name, path.read_text("utf-8"), Options()).findings
    lines = [f"{one.line}:{one.column} {one.rule}{' fixable' if one.edits else ''}" for one in found]
    assert lines == path.with_suffix(".expected").read_text("utf-8").splitlines()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_is_mended_is_not_found_again(path: Path) -> None:
    text = path.read_text("utf-8")
    before = lint_text(path.name, text, Options()).findings
    fixed = fix_text(path.name, text, Options())
    after = lint_text(path.name, fixed.text, Options())
    assert not after.broken
    assert not any(finding.edits for finding in after.findings)
    assert {finding.rule for finding in after.findings} <= {finding.rule for finding in before}
    assert fix_text(path.name, fixed.text, Options()).text == fixed.text
    assert bool(fixed.mended) == any(finding.edits for finding in before)
