"""What is trimmed is missed by nothing: the example's image at level `safe`, beside the whole one."""

from __future__ import annotations

import csv
import io
import json
import posixpath

import pytest

from lightship.wheels.trim import RULES, wheel_trimmer
from tests.integration.build.conftest import UNTRIMMED, Built
from tests.integration.build.trees import Tree, environment_files

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]

SITE = "lib/python3.11/site-packages"
TRIMMED = "pharmabot:cpu"
EMBED = """
from app.embedding.local import LocalEmbedder
embedder = LocalEmbedder("cpu", 300.0)
print([[value.hex() for value in vector] for vector in embedder.embed(["aspirin", "twice a day?"])])
embedder.close()
"""
IMPORT_ALL = """
import importlib, json, os, pkgutil, warnings
warnings.simplefilter("ignore")
found, failed = [], {}
def walk(name):
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        failed[name] = type(error).__name__
        return
    found.append(name)
    for item in pkgutil.iter_modules(getattr(module, "__path__", ()), name + "."):
        last = item.name.rpartition(".")[2]
        if last not in ("tests", "test", "__main__", "conftest") and not last.startswith("test_"):
            walk(item.name)
for name in ("numpy", "scipy", "sklearn", "networkx", "joblib", "mpmath"):
    walk(name)
print(json.dumps([sorted(found), failed]), flush=True)
os._exit(0)  # so many extension modules do not end well together
"""


@pytest.fixture(scope="module")
def trimmed(pharmabot: Built) -> Tree:
    return dict(environment_files(pharmabot.lightship.image(TRIMMED)))


@pytest.fixture(scope="module")
def whole(untrimmed: Built) -> Tree:
    return dict(environment_files(untrimmed.lightship.image(UNTRIMMED)))


def run(built: Built, name: str, program: str) -> str:
    command = ("run", name, "--env", "OMP_NUM_THREADS=1", "--quiet", "--", "python", "-c", program)
    done = built.lightship.run(*command, cwd=built.folder)
    assert done.code == 0, done.err
    return done.out


def test_embeddings_are_the_same_to_the_last_bit(untrimmed: Built) -> None:
    here, there = (run(untrimmed, name, EMBED).splitlines()[-1] for name in (TRIMMED, UNTRIMMED))
    assert here.count("0x") == 2 * 384
    assert here == there


def test_every_module_that_could_be_imported_still_can(untrimmed: Built) -> None:
    here, there = (
        json.loads(run(untrimmed, name, IMPORT_ALL).splitlines()[-1]) for name in (TRIMMED, UNTRIMMED)
    )
    found, _ = here
    assert len(found) > 1000
    assert here == there


def test_every_distribution_imports(pharmabot: Built) -> None:
    report = pharmabot.lightship.ask("verify", TRIMMED, cwd=pharmabot.folder)
    errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
    assert errors == []


def test_only_what_a_rule_names_is_left_out(trimmed: Tree, whole: Tree) -> None:
    everything = tuple(rule.name for rule in RULES)
    trimmers = [
        wheel_trimmer(everything, name) for name in {owner for rule in RULES for owner in rule.owners}
    ]
    assert set(trimmed) < set(whole)
    for path in set(whole) - set(trimmed):
        below = posixpath.relpath(path, SITE)
        assert any(trimmed_by(below) for trimmed_by in trimmers), path
        assert ".dist-info/" not in path
    assert f"{SITE}/torch/bin/torch_shm_manager" in trimmed


def test_what_stays_is_the_same_but_for_record(trimmed: Tree, whole: Tree) -> None:
    differing = {path for path, file in trimmed.items() if file != whole[path]}
    assert {posixpath.basename(path) for path in differing} == {"RECORD"}


def test_record_lists_what_is_there_and_nothing_else(trimmed: Tree) -> None:
    listed = {
        posixpath.normpath(posixpath.join(SITE, row[0]))
        for path, file in trimmed.items()
        if path.endswith(".dist-info/RECORD") and path.count("/") == SITE.count("/") + 2
        for row in csv.reader(io.StringIO(file.content.decode(), newline=""))
    }
    assert listed == set(trimmed)


def test_layers_from_which_nothing_is_left_out_are_shared(pharmabot: Built, untrimmed: Built) -> None:
    images = pharmabot.lightship.image(TRIMMED), untrimmed.lightship.image(UNTRIMMED)
    trimmed, whole = ({layer.digest for layer in image.manifest.layers} for image in images)
    assert len(trimmed & whole) >= len(whole) / 3


def test_the_plan_says_what_is_saved(pharmabot: Built) -> None:
    saved = pharmabot.lightship.ask("plan", "--variant", "cpu", cwd=pharmabot.folder)["trimmed"]
    rules = {rule["rule"]: rule["bytes"] for rule in saved["rules"]}
    assert saved["uncounted"] == 0
    assert rules["torch-test-programs"] > 100e6
    assert rules["headers"] > 30e6
    assert rules["tests"] > 30e6
    assert sum(rules.values()) > 200e6
