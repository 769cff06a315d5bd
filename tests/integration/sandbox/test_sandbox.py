from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightship.build.health import http_probe, wait_healthy
from lightship.build.sandbox import Publish, RunRequest, Sandbox, Volume, bwrap_arguments, identify
from lightship.oci.model import Execution
from scripts.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]
MakeRequest = Callable[..., RunRequest]
EXECUTION = Execution(user="app", env=("PATH=/usr/local/bin",))

REPORT = """
import json, os
def writable(path):
    try: open(path, "w").close(); return True
    except OSError: return False
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps({
    "ids": [os.getuid(), os.getgid(), os.getpid()], "env": dict(os.environ), "cwd": os.getcwd(),
    "host": os.uname().nodename, "fds": sorted(os.listdir("/proc/self/fd")),
    "writable": list(filter(writable, ["/x", "/etc/hosts", "/usr/x", "/tmp/x", "/var/tmp/x", "/run/x",
                                       "/dev/shm/x"])),
    "caps": [status[key].strip() for key in ("CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "nnp": status["NoNewPrivs"].strip(), "dev": sorted(os.listdir("/dev")),
    "processes": [name for name in os.listdir("/proc") if name.isdigit()],
}))
"""
SERVER = """
import http.server, os, signal, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"hello")
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
def stop(number, _):
    print("got", number, flush=True); threading.Thread(target=server.shutdown).start()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1): signal.signal(number, stop)
server.serve_forever()
sys.exit(7)
"""


def output(sandbox: Sandbox, request: RunRequest) -> tuple[str, int]:
    running = sandbox.start(request, stdout=subprocess.PIPE)
    with running.output as stream:
        text = stream.read().decode()
    return text, running.wait()


def test_the_image_decides_user_environment_and_folder(sandbox: Sandbox, request_of: MakeRequest) -> None:
    text, status = output(sandbox, request_of("python", "-c", REPORT, env={"MINE": "1"}, name="box"))
    seen: dict[str, Any] = json.loads(text)
    assert status == 0
    assert seen["ids"] == [1001, 1002, 1]
    assert seen["env"] | {"LC_CTYPE": "", "PWD": "/tmp"} == {
        "PATH": "/usr/local/bin",
        "FROM": "image",
        "MINE": "1",
        "HOME": "/home/app",
        "PWD": "/tmp",
        "LC_CTYPE": "",
    }
    assert (seen["cwd"], seen["host"], seen["processes"]) == ("/tmp", "box", ["1"])
    assert seen["fds"] == ["0", "1", "2", "3"]  # 3 reads the folder itself


def test_only_scratch_folders_can_be_written_to(
    sandbox: Sandbox, request_of: MakeRequest, root: Path
) -> None:
    seen = json.loads(output(sandbox, request_of("python", "-c", REPORT))[0])
    assert seen["writable"] == ["/tmp/x", "/var/tmp/x", "/run/x", "/dev/shm/x"]
    assert seen["caps"] == ["0" * 16] * 4
    assert seen["nnp"] == "1"
    assert not {"sda", "vda", "mem", "kmsg"} & set(seen["dev"])
    assert not list((root / "tmp").iterdir())


def test_the_images_command_runs_and_its_status_comes_back(sandbox: Sandbox, request_of: MakeRequest) -> None:
    assert output(sandbox, request_of()) == ("hello\n", 0)
    assert output(sandbox, request_of("python", "-c", "raise SystemExit(42)"))[1] == 42
    crash = "import ctypes; ctypes.string_at(0)"
    assert output(sandbox, request_of("python", "-c", crash))[1] == 128 + signal.SIGSEGV


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_service(sandbox: Sandbox, request_of: MakeRequest, number: int) -> None:
    port = free_port()
    running = sandbox.start(
        request_of("python", "-c", SERVER, env={"PORT": str(port)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    wait_healthy(http_probe(f"http://127.0.0.1:{port}/"), timeout=20, alive=running.alive)
    running.signal(number)
    assert running.wait(10) == 7
    with running.output as stream:
        assert stream.read() == b"got %d\n" % number
    running.signal(number)  # nobody is there any more


def test_who_does_not_end_is_killed(sandbox: Sandbox, request_of: MakeRequest) -> None:
    running = sandbox.start(request_of("python", "-c", "import time; time.sleep(60)"))
    assert running.stop(0.5) == 128 + signal.SIGKILL
    assert running.stop() == 128 + signal.SIGKILL


def test_a_port_is_published_under_another_number(sandbox: Sandbox, request_of: MakeRequest) -> None:
    inner, outer = free_port(), free_port()
    request = request_of(
        "python", "-c", SERVER, env={"PORT": str(inner)}, publish=(Publish("127.0.0.1", outer, inner),)
    )
    running = sandbox.start(request, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_healthy(http_probe(f"http://127.0.0.1:{outer}/"), timeout=20, alive=running.alive)
    assert running.stop() == 7
    assert not http_probe(f"http://127.0.0.1:{outer}/")()


def test_volumes_are_seen_where_they_were_asked_for(
    sandbox: Sandbox, request_of: MakeRequest, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "file").write_text("given")
    volumes = (
        Volume(tmp_path / "data", "/srv/data"),
        Volume(tmp_path / "file", "/etc/app.conf", read_only=True),
        Volume(tmp_path / "data", "/tmp/inside"),
    )
    script = "open('/srv/data/out', 'w').write(open('/etc/app.conf').read()); open('/etc/app.conf', 'w')"
    running = sandbox.start(request_of("python", "-c", script, volumes=volumes), stderr=subprocess.DEVNULL)
    assert running.wait() == 1
    assert (tmp_path / "data/out").read_text() == "given"


def test_a_read_only_root_stays_so(sandbox: Sandbox, request_of: MakeRequest) -> None:
    script = (
        "import ctypes, os; libc = ctypes.CDLL(None); remount = 32 | 4096;"
        "print(libc.mount(b'none', b'/', None, remount, None), os.access('/', os.W_OK));"
        "libc.unshare(0x10020000);"  # user and mount namespaces of its own, where it has every capability
        "print(libc.mount(b'none', b'/', None, remount, None), os.access('/', os.W_OK))"
    )
    text, _ = output(sandbox, request_of("python", "-c", script))
    assert text.splitlines() == ["-1 False"] * 2


WORKERS = """
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid(); time.sleep(300)
print("up", flush=True); time.sleep(300)
"""
HOST = """
import sys
from pathlib import Path
from lightship.build.sandbox import RunRequest, Sandbox
from lightship.oci.model import Execution
argv = ("python", "-c", sys.argv[2], sys.argv[3])
execution = Execution(user="1001:1002", env=("PATH=/usr/local/bin",))
running = Sandbox.find("/usr/bin:/bin:/usr/local/bin").start(RunRequest(Path(sys.argv[1]), execution, argv))
sys.exit(running.supervise())
"""


def processes_with(mark: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def until_gone(mark: str) -> list[int]:
    deadline = time.monotonic() + 10
    while (left := processes_with(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def host(root: Path, script: str, mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", HOST, str(root), script, mark], stdout=subprocess.PIPE)


def test_no_worker_outlives_a_killed_lightship(root: Path) -> None:
    mark = f"mark-{os.getpid()}-killed"
    with host(root, WORKERS, mark) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert len(processes_with(mark)) >= 5  # the host, bwrap, the service and its workers
        process.kill()
        process.wait()
        assert until_gone(mark) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_lightship_passes_signals_on_and_gives_the_status_back(root: Path, number: int) -> None:
    script = (
        f"import signal, sys, time; signal.signal({int(number)}, lambda *_: sys.exit(33));"
        "print('up', flush=True); time.sleep(60)"
    )
    mark = f"mark-{os.getpid()}-{number}"
    with host(root, script, mark) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.wait(10) == 33
    assert until_gone(mark) == []


def test_a_secret_is_on_no_command_line(sandbox: Sandbox, request_of: MakeRequest) -> None:
    script = "import time; print('up', flush=True); time.sleep(60)"
    running = sandbox.start(
        request_of("python", "-c", script, env={"KEY": "hunter2"}), stdout=subprocess.PIPE
    )
    with running.output as stream:
        assert stream.readline() == b"up\n"
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        running.stop(timeout=0.1)
    assert not any(b"hunter2" in line for line in lines)


@pytest.mark.skipif(os.geteuid() != 0, reason="without root every other test here shows it")
def test_an_ordinary_user_needs_no_root(root: Path, sandbox: Sandbox) -> None:
    script = (
        "import os; print(os.getuid(), os.getgid(), os.access('/usr', os.W_OK), os.access('/tmp', os.W_OK))"
    )
    nobody = 65534
    with tempfile.TemporaryDirectory() as name:
        open_root = Path(name, "root")
        shutil.copytree(root, open_root, symlinks=True)
        Path(name).chmod(0o755)
        request = RunRequest(open_root, EXECUTION, argv=("python", "-c", script))
        result = subprocess.run(
            [str(sandbox.bwrap), *bwrap_arguments(request, identify(request))],
            user=nobody,
            group=nobody,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    assert (result.stdout, result.stderr) == ("1001 1002 False True\n", "")
