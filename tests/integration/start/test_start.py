"""A service, really started: what it imports comes compiled, what it does not open can go, symbols too."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from lightship.build.rootfs import layer_store, stacked
from lightship.events import SilentReporter
from lightship.oci.layout import LayoutImage
from tests.integration.build.calling import Lightship, Outcome

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]
SITE = "opt/venv/lib/python3.11/site-packages"
REQUIREMENTS = "pyyaml==6.0.3\nidna==3.10\nmarkdown-it-py==4.0.0\nmdurl==0.1.2\n"
APPLICATION = """\
import http.server, yaml
import os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = b"ok"
        if self.path == "/idna":
            import idna
            answer = idna.encode("königsgäßchen")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass

assert yaml.load("[1, 2]", Loader=yaml.CSafeLoader) == [1, 2]
http.server.HTTPServer(("0.0.0.0", int(os.environ.get("PORT", 8000))), Handler).serve_forever()
"""
CHECK = """\
import urllib.request
assert urllib.request.urlopen("http://127.0.0.1:8000/idna", timeout=9).read() == b"xn--knigsgchen-b4a3dun"
"""
CONFIGURATION = """\
python = "3.11"
name = "opener"
sources = ["app.py"]
command = ["python", "app.py"]
ports = [8000]
health = "http://:8000/"
{more}

[check]
command = ["python", "check.py"]
env = {{ NEEDED = "yes" }}

[variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""


@dataclass(frozen=True, slots=True)
class Opener:
    """The service's folder, and a Lightship with a home of its own."""

    folder: Path
    lightship: Lightship

    def configure(self, more: str = "") -> None:
        (self.folder / "lightship.toml").write_text(CONFIGURATION.format(more=more))

    def build(self, *options: str) -> Any:
        return self.lightship.ask("build", *options, cwd=self.folder)

    def fails(self, *options: str) -> Outcome:
        return self.lightship.run("build", *options, cwd=self.folder)

    def files(self) -> dict[str, Path]:
        """The image's regular files, where they lie unpacked."""
        layout = self.lightship.home.images
        (descriptor,) = layout.names().values()
        image = LayoutImage(layout, descriptor)
        layers = layer_store(self.lightship.home.cache).get_all(image.layers, SilentReporter())
        nodes = ((path, node.member) for path, node in stacked(layers).walk())
        return {path: found[0].file(found[1]) for path, found in nodes if found and found[1].number >= 0}


@pytest.fixture(scope="module")
def lightship(new_lightship: Callable[[], Lightship]) -> Lightship:
    """Share archives and layers among the tests of this module."""
    return new_lightship()


@pytest.fixture
def opener(tmp_path: Path, lightship: Lightship) -> Iterator[Opener]:
    folder = tmp_path / "opener"
    folder.mkdir()
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    (folder / "app.py").write_text(APPLICATION)
    (folder / "check.py").write_text(CHECK)
    made = Opener(folder, lightship)
    made.configure()
    yield made
    for name in ("index.json", "oci-layout"):  # the names of images go, layers stay
        (lightship.home.images.path / name).unlink(missing_ok=True)


def test_what_a_service_imports_comes_compiled(opener: Opener) -> None:
    opener.build()
    record = json.loads((opener.folder / "start.none.json").read_text())
    assert set(record["modules"]) == {"pyyaml", "idna"}
    assert "http/server.py" in record["standard-library"]
    files = opener.files()
    for path in (
        f"{SITE}/yaml/__pycache__/__init__.cpython-311.pyc",
        f"{SITE}/idna/__pycache__/core.cpython-311.pyc",
        "usr/lib/python3.11/http/__pycache__/server.cpython-311.pyc",
        "app/__pycache__/app.cpython-311.pyc",
    ):
        assert path in files
    assert not any(path.startswith(f"{SITE}/markdown_it/__pycache__") for path in files)


def test_the_images_own_python_takes_it(opener: Opener) -> None:
    name = opener.build()["name"]
    program = (
        "import sys, yaml, importlib.util as u; path = yaml.__cached__; data = open(path, 'rb').read(); "
        "code = u.spec_from_file_location('yaml', yaml.__file__).loader.get_code('yaml'); "
        "print(data[:4] == u.MAGIC_NUMBER, data[4], code.co_filename == yaml.__file__)"
    )
    done = opener.lightship.run("run", name, "-q", "--", "python", "-c", program, cwd=opener.folder)
    assert done.out.split() == ["True", "1", "True"], done.err
    verbose = opener.lightship.run(
        "run", name, "-q", "--", "python", "-v", "-c", "import yaml", cwd=opener.folder
    )
    assert f"# code object from '/{SITE}/yaml/__pycache__/__init__.cpython-311.pyc'" in verbose.err


def test_the_same_record_gives_the_same_image_elsewhere(opener: Opener, tmp_path: Path) -> None:
    digest = opener.build()["digest"]
    other = Lightship(tmp_path / "another" / "home").using(PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    assert other.build(opener.folder, "--locked") == digest


def test_all_compiles_everything_and_none_nothing(opener: Opener) -> None:
    opener.configure('bytecode = "all"')
    opener.build()
    assert not (opener.folder / "start.none.json").exists()
    files = opener.files()
    sources = [path for path in files if path.startswith(f"{SITE}/markdown_it/") and path.endswith(".py")]
    compiled = [path for path in files if path.startswith(f"{SITE}/markdown_it/") and path.endswith(".pyc")]
    assert len(sources) == len(compiled) > 10
    opener.configure('bytecode = "none"')
    opener.build()
    assert not any(path.endswith(".pyc") for path in opener.files())


def test_tracing_keeps_what_was_opened_and_record_stays_true(opener: Opener) -> None:
    opener.configure('trim = "traced"')
    name = opener.build()["name"]
    files = opener.files()
    assert f"{SITE}/idna/core.py" in files
    assert f"{SITE}/markdown_it/main.py" not in files
    assert any(path.startswith(f"{SITE}/markdown_it_py-4.0.0.dist-info/") for path in files)
    report = opener.lightship.run("verify", name, "--json", cwd=opener.folder)
    rules = {finding["rule"] for finding in json.loads(report.out)["findings"]}
    assert not any(rule.startswith("LV4") for rule in rules)  # what RECORD says is so
    plan = opener.lightship.ask("plan", cwd=opener.folder)
    assert "not-opened" in {rule["rule"] for rule in plan["trimmed"]["rules"]}


def test_an_application_that_opens_more_is_traced_anew(opener: Opener) -> None:
    opener.configure('trim = "traced"')
    opener.build()
    app = opener.folder / "app.py"
    app.write_text(
        app.read_text().replace("import http.server, yaml", "import http.server, markdown_it, yaml")
    )
    refused = opener.fails("--locked")
    assert refused.code == 5
    assert "No module named 'markdown_it'" in refused.err
    opener.build()
    assert f"{SITE}/markdown_it/main.py" in opener.files()


def test_stripped_libraries_are_smaller_and_load(opener: Opener) -> None:
    opener.build()
    before = opener.files()
    (library,) = [path for path in before if path.startswith(f"{SITE}/yaml/") and ".so" in path]
    whole = before[library].read_bytes()
    opener.configure("strip = true")
    name = opener.build()["name"]
    stripped = opener.files()[library].read_bytes()
    assert len(stripped) < len(whole) / 4
    (one, other) = (ELFFile(io.BytesIO(data)) for data in (whole, stripped))
    for before_, after in zip(one.iter_segments(), other.iter_segments(), strict=True):
        assert (before_.header, before_.data()[64:]) == (after.header, after.data()[64:])
    sections = {section.name for section in other.iter_sections()}
    assert ".text" in sections
    assert ".symtab" not in sections
    report = opener.lightship.run("verify", name, "--start", "--json", cwd=opener.folder)
    assert report.code == 0, report.out


def test_a_check_that_fails_says_what_the_check_said(opener: Opener) -> None:
    (opener.folder / "check.py").write_text("raise SystemExit('the answer is wrong')\n")
    opener.configure('trim = "traced"')
    failed = opener.fails()
    assert failed.code == 5
    assert "the project's check ended with status 1: the answer is wrong" in failed.err
    assert not (opener.folder / "start.none.json").exists()


def test_a_service_that_does_not_start_is_shipped_without_bytecode_and_said(opener: Opener) -> None:
    app = opener.folder / "app.py"
    app.write_text(app.read_text() + "\n")
    app.write_text("import os\nos.environ['ABSENT']\n")
    built = opener.fails()
    assert built.code == 0
    assert (
        "no bytecode of what starts: the recorded start failed: the service ended with status 1" in built.out
    )


def test_the_check_needs_a_command_and_a_health_check(opener: Opener) -> None:
    text = (opener.folder / "lightship.toml").read_text()
    (opener.folder / "lightship.toml").write_text(text.replace('health = "http://:8000/"', 'trim = "traced"'))
    refused = opener.fails()
    assert refused.code == 2
    assert 'trim = "traced" needs a check of the service' in refused.err
