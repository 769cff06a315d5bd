from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from lightship.build.sandbox import Sandbox
from lightship.events import SilentReporter
from lightship.fs.entries import Entry, directory, regular
from lightship.inspect.checks.start import StartLimits
from lightship.inspect.findings import Report
from lightship.inspect.verify import StartOptions, verify_image
from lightship.oci.layout import Layout
from lightship.oci.model import Execution, Healthcheck
from lightship.oci.record import LayerRecord
from lightship.oci.unpack import unpack_image
from tests.support.images import add_image, add_layer
from tests.support.python_image import SITE, python_layer

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]

SERVER = b"""
import http.server, os, signal, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
if "STUBBORN" not in os.environ:
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
open("/tmp/scratch", "w").close()
server.serve_forever()
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    made = Layout(tmp_path_factory.mktemp("verify") / "layout")
    made.create()
    return made


@pytest.fixture(scope="module")
def python(layout: Layout) -> LayerRecord:
    return add_layer(layout, python_layer())


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
        return number


def execution(port: int = 0, health: tuple[str, ...] | None = None) -> Execution:
    ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}/health', timeout=3)"
    return Execution(
        user="app",
        env=("PATH=/usr/local/bin", f"PORT={port}"),
        exposed_ports={f"{port}/tcp": {}} if port else {},
        cmd=("python", "/app/main.py"),
        working_dir="/app",
        healthcheck=Healthcheck(health or ("CMD", "python", "-c", ask)),
    )


def installed(name: str, text: str, *requires: str) -> Iterator[Entry]:
    info = f"{SITE}/{name}-1.0.dist-info"
    fields = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {item}" for item in requires), ""]
    yield directory(info)
    yield regular(f"{info}/METADATA", "\n".join(fields).encode())
    yield regular(f"{info}/RECORD", f"{name}.py,,\n{info.rpartition('/')[2]}/METADATA,,\n".encode())
    yield regular(f"{SITE}/{name}.py", text.encode())


def verify(
    layout: Layout,
    layers: list[LayerRecord],
    config: Execution,
    cache: Path,
    start: StartOptions | None = None,
) -> Report:
    return verify_image(
        add_image(layout, layers, config),
        cache=cache,
        sandbox=Sandbox.find(os.environ["PATH"]),
        reporter=SilentReporter(),
        start=start,
    )


def said(report: Report) -> list[tuple[str, str]]:
    return [
        (finding.rule, finding.where) for finding in report.findings if "optional-library" not in finding.rule
    ]


def test_imports_are_tried_and_each_fault_is_blamed(layout: Layout, python: LayerRecord, cache: Path) -> None:
    entries = [
        *installed("fine", "import json, ssl, sqlite3"),
        *installed("shy", "import sys; assert not {'fine', 'whoami'} & set(sys.modules)"),
        *installed("bad", "1 / 0"),
        *installed("crash", "import ctypes; ctypes.string_at(0)"),
        *installed("wants", "import fancy_thing", "fancy; extra == 'x'"),
        *installed("needs", "import gone.part", "gone"),
        *installed("ends", "import os; os._exit(0)"),
        *installed("writes", "open('/app/x', 'w')"),
        *installed("whoami", "import os; assert os.getuid() == 1001 and os.environ['PORT'] == '0'"),
    ]
    report = verify(layout, [python, add_layer(layout, entries)], execution(), cache)
    assert said(report) == [
        ("LV501-import-fails", "bad (bad)"),
        ("LV501-import-fails", "needs (needs)"),
        ("LV501-import-fails", "writes (writes)"),
        ("LV503-import-crashes", "crash (crash)"),
        ("LV503-import-crashes", "ends (ends)"),
        ("LV511-missing-requirement", "needs"),
        ("LV502-optional-import", "wants (wants)"),
    ]
    assert report.modules_imported == 9
    assert len(report.distributions) == 9
    assert "ZeroDivisionError" in report.findings[0].message


def test_no_python_is_an_error(layout: Layout, cache: Path) -> None:
    files = [regular("etc/passwd", b"app:x:1:1::/:\n"), *installed("fine", "")]
    report = verify(layout, [add_layer(layout, files)], execution(), cache)
    assert said(report) == [("LV504-no-python", "PATH=/usr/local/bin")]


@pytest.fixture(scope="module")
def service(layout: Layout, python: LayerRecord) -> list[LayerRecord]:
    return [python, add_layer(layout, [directory("app"), regular("app/main.py", SERVER)])]


def test_a_service_is_started_and_asked(
    layout: Layout, service: list[LayerRecord], cache: Path, port: int
) -> None:
    options = StartOptions(limits=StartLimits(memory=100_000_000))
    report = verify(layout, service, execution(port), cache, options)
    assert said(report) == []
    assert report.passed
    assert report.seconds_to_healthy is not None
    assert 0 < report.seconds_to_healthy < 20
    assert report.memory_at_rest is not None
    assert 4_000_000 < report.memory_at_rest < 100_000_000


def test_the_images_own_check_must_work_too(
    layout: Layout, service: list[LayerRecord], cache: Path, port: int
) -> None:
    for health in (
        ("CMD", "curl", "-f", f"http://127.0.0.1:{port}/health"),
        ("CMD-SHELL", f"curl -f http://127.0.0.1:{port}/health || exit 1"),
    ):
        report = verify(layout, service, execution(port, health), cache, StartOptions())
        assert said(report) == [("LV602-health-command-fails", "Healthcheck")]
        assert "no program" in report.findings[0].message


def test_a_service_without_a_health_check_must_listen(
    layout: Layout, service: list[LayerRecord], cache: Path, port: int
) -> None:
    unasked = msgspec.structs.replace(execution(port), healthcheck=None)
    report = verify(layout, service, unasked, cache, StartOptions())
    assert said(report) == [("LV311-no-health-check", "Healthcheck")]
    assert report.seconds_to_healthy is not None
    ends = msgspec.structs.replace(unasked, cmd=("python", "-c", "raise SystemExit('no model')"))
    report = verify(layout, service, ends, cache, StartOptions())
    assert said(report)[0] == ("LV601-not-healthy", "Healthcheck")
    assert "no model" in report.findings[0].message


@pytest.mark.parametrize(("code", "rules"), [("", []), ("raise SystemExit(3)", ["LV601-not-healthy"])])
def test_a_job_may_end(
    layout: Layout, service: list[LayerRecord], cache: Path, code: str, rules: list[str]
) -> None:
    job = msgspec.structs.replace(execution(), healthcheck=None, cmd=("python", "-c", code))
    report = verify(layout, service, job, cache, StartOptions())
    assert [rule for rule, _ in said(report)] == [*rules, "LV311-no-health-check"]


@pytest.fixture(params=["heeded", "ignored"])
def interrupts(request: pytest.FixtureRequest) -> Iterator[None]:
    """Interrupts as a terminal's process has them, and as one that a script started in the background."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN if request.param == "ignored" else signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_what_serves_nothing_may_go_on(
    layout: Layout, service: list[LayerRecord], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightship.inspect.checks.start.SETTLED", 1.5)  # Python has its handlers by then
    worker = msgspec.structs.replace(
        execution(),
        healthcheck=None,
        stop_signal="SIGINT",
        cmd=("python", "-c", "import time; time.sleep(60)"),
    )
    report = verify(layout, service, worker, cache, StartOptions())
    assert said(report) == [("LV311-no-health-check", "Healthcheck")]
    assert report.memory_at_rest


def test_a_service_that_fails_shows_the_end_of_its_log(
    layout: Layout, service: list[LayerRecord], cache: Path, port: int
) -> None:
    options = StartOptions(env={"PORT": "none"})
    report = verify(layout, service, execution(port), cache, options)
    assert said(report) == [("LV601-not-healthy", "Healthcheck")]
    assert "ValueError" in report.findings[0].message


def test_a_service_that_does_not_stop_is_a_warning(
    layout: Layout, service: list[LayerRecord], cache: Path, port: int
) -> None:
    options = StartOptions({"STUBBORN": "1"}, StartLimits(stop=0.5))
    report = verify(layout, service, execution(port), cache, options)
    assert said(report) == [("LV603-does-not-stop", "StopSignal")]
    assert "within 0.5 s" in report.findings[0].message
    assert report.passed


def test_a_service_that_takes_more_memory_than_it_may_is_an_error(
    layout: Layout, service: list[LayerRecord], cache: Path, port: int
) -> None:
    options = StartOptions(limits=StartLimits(memory=2_000_000))
    report = verify(layout, service, execution(port), cache, options)
    assert said(report) == [("LV604-memory-at-rest", "memory")]
    assert report.findings[0].message.endswith(" at rest, and 2.0 MB are the most")
    assert not report.passed


def shape(root: Path) -> dict[str, tuple[int, int, bytes]]:
    found = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = (0, 0, os.fsencode(path.readlink()))
        else:
            state = path.stat()
            # A directory that no layer names has the time of its making.
            time, data = (int(state.st_mtime), path.read_bytes()) if path.is_file() else (0, b"")
            found[name] = (state.st_mode, time, data)
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="umoci keeps owners only as root")
@pytest.mark.requires_tool("umoci")
def test_umoci_unpacks_to_the_same_tree(layout: Layout, python: LayerRecord, tmp_path: Path) -> None:
    upper = [
        directory("srv", 0o750),
        regular("srv/new", b"1", 0o640),
        regular("etc/.wh.group", b""),
        directory("usr/local/bin"),
        regular("usr/local/bin/.wh..wh..opq", b""),
        regular("usr/local/bin/only", b"x", 0o755),
    ]
    image = add_image(layout, [python, add_layer(layout, upper)], execution())
    bundle = tmp_path / "bundle"
    layout.tag("test", image.descriptor)
    source = f"{layout.path}:test"
    subprocess.run(["umoci", "unpack", "--image", source, str(bundle)], check=True, capture_output=True)  # noqa: S607
    unpack_image(image, tmp_path / "ours", reporter=SilentReporter(), as_root=True)
    assert shape(tmp_path / "ours") == shape(bundle / "rootfs")
