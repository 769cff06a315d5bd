"""Options of package managers: which say what is installed, which only how, and which have no counterpart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.packages import Install

TOOLS = frozenset({
    *("pip", "setuptools", "wheel", "uv", "poetry", "poetry-core", "poetry-plugin-export", "pipenv", "pdm"),
    *("virtualenv", "build", "pip-tools", "hatch", "hatchling", "poetry-plugin-bundle", "maturin", "cython"),
})  # fmt: skip
"""Distributions that install or build others."""
_TORCH_INDEX = re.compile(r"/whl/(?:nightly/|test/)?(cpu|cu\d{2,3})(?:/|$)")
_LOCAL_VERSION = re.compile(r"(?:^|[^\w.])torch(?:vision|audio)?\s*===?\s*[\w.]+\+(cpu|cu\d{2,3})\b")
TAG = re.compile(r"cpu|cu\d{2,3}")
_READ = {
    *("-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "--index"),
    *(
        "--default-index",
        "--torch-backend",
        "-e",
        "--editable",
        "--extra",
        "--all-extras",
        "-f",
        "--find-links",
    ),
    *("-n", "--name", "--file", "--channel", "--trusted-host"),
}
_HOW = {
    *(
        "--no-cache-dir",
        "--no-cache",
        "-U",
        "--upgrade",
        "--user",
        "-q",
        "--quiet",
        "-y",
        "--yes",
        "--system",
    ),
    *(
        "--disable-pip-version-check",
        "--root-user-action",
        "--break-system-packages",
        "--no-compile",
        "--compile",
    ),
    *(
        "--prefer-binary",
        "--default-timeout",
        "--timeout",
        "--retries",
        "--progress-bar",
        "--no-input",
        "--prefix",
    ),
    *("-t", "--target", "--root", "-w", "--wheel-dir", "-d", "--dest", "--cache-dir", "--require-hashes"),
    *("--no-warn-script-location", "--ignore-installed", "-I", "--force-reinstall", "--compile-bytecode"),
    *("--python", "-p", "--exact", "--link-mode", "--no-index", "--frozen", "--locked", "--no-dev", "--only"),
    *(
        "--no-install-project",
        "--no-install-workspace",
        "--no-editable",
        "--no-root",
        "--without",
        "--no-self",
    ),
    *("--no-interaction", "--no-ansi", "--sync", "--deploy", "--ignore-pipfile", "--no-default-groups"),
    *("--prod", "--production", "--verbose", "-v", "-vv", "--no-progress", "--no-sync", "--active", "--all"),
    *(
        "--use-deprecated",
        "--use-pep517",
        "--strict",
        "--reinstall",
        "--no-color",
        "--inexact",
        "--skip-lock",
    ),
    *("--check-build-dependencies", "--no-python-version-warning", "--python-version", "--no-group"),
}
INDEX = (
    "an index belongs in pip's configuration, with its credentials in ~/.netrc:"
    " pip config set global.extra-index-url URL"
)


def unknown_options(found: Install) -> Iterator[str]:
    """Yield the options that change what is installed, in a way that the configuration cannot say."""
    for name, value in found.options:
        if name not in _READ | _HOW and not (name == "--no-deps" and not found.requirement_files):
            yield f"{name} {value}".strip()


def index_urls(found: Install) -> tuple[str, ...]:
    return found.values("-i", "--index-url", "--extra-index-url", "--index", "--default-index")


def torch_tag(text: str) -> str:
    """Give the build of PyTorch that an index's URL or a pinned version names; "" if none."""
    match = _TORCH_INDEX.search(text) or _LOCAL_VERSION.search(text)
    return match[1] if match else ""
