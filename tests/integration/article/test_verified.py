"""What `verify` says of an image that Docker built is what ldd, pip and Docker say of it."""

from __future__ import annotations

import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightship.events import SilentReporter
from lightship.fs.entries import Kind
from lightship.inspect.checks import distributions, records
from lightship.inspect.checks.libraries import loader_of
from lightship.inspect.checks.waste import wasted
from lightship.inspect.contents import Contents, open_contents
from lightship.inspect.verify import verify_image
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.saved import read_saved
from tests.integration.article.conftest import Built
from tests.support.docker_build import DockerBuilds
from tests.support.programs import Run

pytestmark = pytest.mark.integration
TAG = "article-test:broken"
BROKEN = """\
FROM article-test:variants
USER root
RUN rm /usr/lib/x86_64-linux-gnu/libbz2.so.1* \\
    && pip uninstall --yes h11 \\
    && rm /usr/local/lib/python3.11/site-packages/gunicorn/util.py \\
    && echo changed >> /usr/local/lib/python3.11/site-packages/gunicorn/sock.py
RUN head -c 3000000 /dev/urandom > /srv/large && ln /srv/large /srv/same
RUN chmod 600 /srv/large
RUN rm /srv/large /srv/same
"""


MOUNTED = ("etc/hosts", "etc/hostname", "etc/resolv.conf")
"""Over which Docker mounts its own."""


@dataclass(frozen=True)
class Verified:
    tag: str
    image: LayoutImage
    contents: Contents
    saved: Path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def broken(
    built: Built, build: DockerBuilds, client: Run, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Verified:
    """Break the article's image in ways that others can tell, too."""
    assert built("variants", TORCH_VARIANT="none") == "article-test:variants"
    folder = tmp_path_factory.mktemp("broken")
    (folder / "Dockerfile").write_text(BROKEN)
    build(folder, folder / "Dockerfile", tag=TAG)
    saved = folder / "saved.tar"
    client("save", "--output", str(saved), TAG)
    image = read_saved(saved, Layout(folder / "layout"), lambda _: None, compress=False)
    contents = open_contents(image, cache=cache, reporter=SilentReporter())
    return Verified(TAG, image, contents, saved)


def inside(client: Run, image: Verified, *command: str) -> str:
    """Run a command that may fail, as root."""
    script = 'status=0; "$@" 2>&1 || status=$?; exit 0'
    options = ("--rm", "--network", "none", "--user", "0", "--entrypoint", "sh")
    return client("run", *options, image.tag, "-c", script, "sh", *command)


LIBRARIES = "find / -xdev -type f -name '*.so*' -print0 | xargs -0 ldd"


def test_ldd_finds_what_the_loaders_rules_find(broken: Verified, client: Run) -> None:
    """Ask ldd about every library; one that is loaded by another one is served as in that process."""
    files = broken.contents.elf_files()
    said = inside(client, broken, "sh", "-c", LIBRARIES)
    blocks = dict(re.findall(r"^/(\S+):\n((?:\t.*\n)*)", said, re.MULTILINE))
    found = {
        path: dict(re.findall(r"^\t(\S+) => /(\S+) \(", block, re.MULTILINE))
        for path, block in blocks.items()
    }
    processes = {path: [served, *_loading(broken.contents, path, found)] for path, served in found.items()}
    needs = {(path, name) for path in found if path in files for name in files[path].needed}
    needs = {(path, name) for path, name in needs if not name.startswith("ld-linux")}
    assert len(needs) > 500
    theirs = {(path, name) for path, name in needs if not any(name in served for served in processes[path])}
    loader = loader_of(broken.contents)
    assert {(item.path, item.name) for item in loader.missing() if item.path in found} == theirs
    assert "libbz2.so.1.0" in {name for _, name in theirs}
    users = loader.needed_by()
    for path, name in needs - theirs:
        places = {broken.contents.find(served[name]) for served in processes[path] if name in served}
        assert any(place and path in users[place] for place in places), (path, name)


def _loading(contents: Contents, path: str, found: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    """Give what is found in the processes that load the library at `path`."""
    name = path.rpartition("/")[2]
    near = (served for served in found.values() if any(place.endswith(name) for place in served.values()))
    return [served for served in near if path in {contents.find(place) for place in served.values()}]


def test_pip_check_and_pip_list_agree(broken: Verified, client: Run) -> None:
    said = inside(client, broken, "pip", "check")
    theirs = set(re.findall(r"^(\S+) \S+ requires (\S+), which is not installed", said, re.MULTILINE))
    theirs |= set(re.findall(r"^(\S+) \S+ has requirement ([A-Za-z0-9._-]+)", said, re.MULTILINE))
    words = re.compile(r"requires ([A-Za-z0-9._-]+)")
    ours = {
        (finding.where, found[1])
        for finding in distributions.check(broken.contents)
        if (found := words.match(finding.message))
    }
    assert ("httpcore", "h11") in ours
    assert ours == theirs
    listed = json.loads(
        inside(client, broken, "pip", "list", "--format", "json", "--disable-pip-version-check")
    )
    names = {f"{item['name']} {item['version']}" for item in listed}
    assert {
        f"{item.name} {item.version}" for item in distributions.read_distributions(broken.contents)
    } == names


def test_record_tells_what_was_changed_and_removed(broken: Verified) -> None:
    found = {
        (finding.rule, finding.where): finding.message
        for finding in records.check(broken.contents)
        if finding.where.startswith("gunicorn")
    }
    assert {rule for rule, _ in found} == {"LV513-changed-file", "LV514-absent-file"}
    assert found["LV513-changed-file", "gunicorn-22.0.0"] == "gunicorn/sock.py is not what RECORD says"


def test_waste_is_what_layers_hold_and_the_container_does_not(
    broken: Verified, client: Run, tmp_path: Path
) -> None:
    """Compare with `docker history` and `docker export`: the sizes of layers, and of what is seen of them."""
    sizes = client("history", "--human=false", "--format", "{{.Size}}", TAG).split()
    layers = broken.contents.layers
    stored = [sum(item.size for item in layer.members if item.kind is Kind.FILE) for layer in layers]
    built = [size for size in map(int, reversed(sizes)) if size]
    assert [size for size in stored if size][1:] == built[1:], (
        "of the base, which was loaded, Docker has another"
    )
    container = client("create", TAG).strip()
    client("export", "--output", str(tmp_path / "seen.tar"), container)
    client("rm", container)
    with tarfile.open(tmp_path / "seen.tar") as archive:
        seen = sum(member.size for member in archive if member.isreg() and member.name not in MOUNTED)
    seen += sum(item.size for path in MOUNTED if (item := broken.contents.items.get(path)))
    total = sum(item.member.size for item in wasted(broken.contents))
    assert total == sum(stored) - seen
    assert total > 2 * 3_000_000


def test_the_articles_faults_are_found(broken: Verified, cache: Path) -> None:
    report = verify_image(broken.image, cache=cache, sandbox=None, reporter=SilentReporter())
    found = {finding.rule: finding for finding in report.findings}
    wheels = [finding for finding in report.findings if finding.rule == "LV131-packages-in-layer"]
    assert [finding.where for finding in wheels] == ["wheels"]
    assert "a later layer hides them, and frees nothing" in wheels[0].message
    assert {"LV102-package-manager", "LV103-shell", "LV321-setuid", "LV411-stored-twice"} <= set(found)
    assert {finding.rule for finding in report.findings if finding.severity == "error"} == {
        "LV201-missing-library",
        "LV301-root",
        "LV511-missing-requirement",
        "LV513-changed-file",
    }
