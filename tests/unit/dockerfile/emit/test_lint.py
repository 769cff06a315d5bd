"""Emitted Dockerfiles keep the rules of `lightship lint`, and hadolint's, with none of them ignored."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from lightship.dockerfile.context import FolderContext
from lightship.dockerfile.emit.files import write_files
from lightship.dockerfile.emit.model import Options
from lightship.dockerfile.hadolint import Hadolint
from lightship.dockerfile.lint import Options as LintOptions
from lightship.dockerfile.lint import lint_text
from lightship.project.detect import Project
from tests.support.emitted import CONFIG, OPTIONS, emitted, project, traced


def compiling(level: str) -> Project:
    return replace(project(), config=msgspec.structs.replace(CONFIG, bytecode=level, trim="none"))


CASES = {
    **{name: (options, project()) for name, options in OPTIONS.items()},
    "portable": (Options(portable=True), project()),
    "traced": (Options(variants=("none",)), traced()),
    "traced venv": (Options("venv", variants=("none",)), traced()),
    "all": (Options(), compiling("all")),
    "nothing": (Options("venv"), compiling("none")),
}


@pytest.mark.parametrize("target", ["production", "development"])
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_found_in_what_we_write(case: str, target: str, tmp_path: Path) -> None:
    write_files(tmp_path, emitted(*CASES[case]))
    hadolint = Hadolint.find(os.environ, Path(sys.prefix))
    assert hadolint is not None
    options = LintOptions(target, context=FolderContext(tmp_path), hadolint=hadolint, folder=tmp_path)
    text = (tmp_path / "Dockerfile").read_text()
    assert pytest.importorskip("dockerfile").parse_string(text)  # BuildKit's own parser
    result = lint_text("Dockerfile", text, options)
    assert [f"{finding.line}: {finding.message} [{finding.rule}]" for finding in result.findings] == []
