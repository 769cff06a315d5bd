"""Named stages, run for real: Debian's compilers, wheels of their own, bubblewrap."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.errors import StageError
from lightship.fs.entries import directory, regular, symlink
from lightship.oci.layout import Layout
from lightship.oci.validate import validate
from tests.integration.stages.conftest import Demo
from tests.support.images import add_image, add_layer

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap", "gpgv")]

MakeDemo = Callable[[str], Demo]

COMPILED = """\
[tool.lightship.stages.program]
requirements = ["requirements-stage.txt"]
inputs = ["source/"]
run = [
    "gcc -o /out/hello source/hello.c",
    "python -c 'import colorama, sys; print(colorama.__version__, sys.prefix)' > /out/said",
    "date +%N > /out/when",
]
copy = { "/out/hello" = "/usr/local/bin/", "/out/said" = "/app/result", "/out/when" = "/app/when" }
"""
HELLO = '#include <stdio.h>\nint main(void) { puts("hello from C"); return 0; }\n'
STARTS = """\
import importlib.util, subprocess
from pathlib import Path
print(subprocess.check_output(["hello"], text=True))
print(Path("/app/result").read_text(), Path("/app/when").read_text())
print("colorama in the image:", importlib.util.find_spec("colorama") is not None)
"""


def test_what_a_stage_makes_lands_in_the_image_and_is_made_once(demo: MakeDemo) -> None:
    made = demo(COMPILED)
    made.write("requirements-stage.txt", "colorama==0.4.6\n")
    made.write("source/hello.c", HELLO)
    made.write("app.py", STARTS)
    planned = made.lightship.run("plan", cwd=made.folder).out
    assert "stage program: /usr/local/bin/, /app/result, /app/when" in planned
    first = made.shows()
    assert "hello from C" in first
    assert "0.4.6 /run/environment" in first
    assert "colorama in the image: False" in first
    image = made.lightship.image("demo:none")
    validate(image)

    made.write("notes.txt", "nobody named this")
    again = made.lightship.ask("build", cwd=made.folder)
    assert not any(layer["made"] for layer in again["layers"])
    made.configure(COMPILED.replace("/app/when", "/app/then"))
    made.write("app.py", STARTS.replace("/app/when", "/app/then"))
    assert made.shows() == first, "placed elsewhere, and not run again"

    made.write("source/hello.c", HELLO.replace("hello", "good morning"))
    changed = made.shows()
    assert "good morning from C" in changed
    assert changed != first.replace("hello", "good morning"), "run again"


def test_undeclared_files_the_network_and_the_users_variables_are_not_there(demo: MakeDemo) -> None:
    made = demo("""\
[tool.lightship.stages.spy]
inputs = ["declared/a.txt"]
run = ["find . -type f > /out/result", "cat /proc/net/dev >> /out/result", "env >> /out/result"]
copy = { "/out/result" = "/app/result" }
""")
    made.write("declared/a.txt", "a")
    made.write("declared/b.txt", "b")
    made.write("spy.py", "print()")
    os.environ["SECRET_TOKEN"] = "s3cret"
    try:
        shown = made.shows()
    finally:
        del os.environ["SECRET_TOKEN"]
    assert "./declared/a.txt" in shown
    assert "b.txt" not in shown
    assert "spy.py" not in shown
    assert "s3cret" not in shown
    assert "eth" not in shown
    assert "HOME=/build/home" in shown


FROM_OTHERS = """\
[tool.lightship.stages.first]
run = ["mkdir -p /out/d && echo made by first > /out/d/file && ln -s file /out/d/link"]

[tool.lightship.stages.tool]
image = "oci:../tool"
copy = { "/opt/tool/" = "/app/tool" }

[tool.lightship.stages.last]
from = { "first:/out/d" = "taken", "oci:../tool:/usr/bin/data" = "bin/data", "tool:/opt/tool/read" = "read" }
run = ["cat taken/link bin/data read > /out/result; test -x read; test ! -e tool"]
copy = { "/out/result" = "/app/result" }
"""


def tool_image(folder: Path, text: bytes) -> None:
    layout = Layout(folder)
    layout.create()
    entries = [
        *(directory(path) for path in ("opt", "opt/tool", "usr", "usr/bin", "usr/share")),
        regular("opt/tool/read", b"read from the image\n", 0o755),
        regular("usr/share/data", text),
        symlink("usr/bin/data", "/usr/share/data"),
    ]
    add_image(layout, [add_layer(layout, entries)], name="tool:1")


def test_stages_take_from_each_other_and_from_images(demo: MakeDemo) -> None:
    made = demo(FROM_OTHERS)
    tool_image(made.folder.parent / "tool", b"data of the image\n")
    text = "from pathlib import Path\nprint(Path('/app/result').read_text(), *Path('/app/tool').iterdir())\n"
    made.write("app.py", text)
    assert made.shows() == "made by first\ndata of the image\nread from the image\n /app/tool/read\n"

    tool_image(made.folder.parent / "tool", b"a newer image\n")
    assert "data of the image" in made.shows(), "the lock pins the image"
    made.lightship.lock(made.folder, "--upgrade")
    assert "a newer image" in made.shows()


def test_an_image_of_the_local_store_is_a_source_too(demo: MakeDemo) -> None:
    stage = '[tool.lightship.stages.other]\nimage = "{}"\ncopy = {{ "/app/app.py" = "/app/result" }}\n'
    made = demo("")
    made.write("app.py", "print('the first image')\n")
    made.lightship.build(made.folder)
    made.configure(stage.format("demo:none"))
    made.write("app.py", "print(open('/app/result').read())\n")
    assert "the first image" in made.shows()


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (
            '"echo begun", "echo some noise; exit 7"',
            ("'bad': a command ended with status 7", "some noise", "at:  echo some"),
        ),
        (
            '"gcc -o /out/a -lxml2"',
            ("the library xml2 is in the Debian package libxml2-dev", "--fix-build-packages"),
        ),
        (
            '"mkdir /out/folder; echo x > /out/b"',
            ("stage bad does not have /out/a", "/out holds b, folder/"),
        ),
        ('"ln -s /etc/passwd /out/l; mkdir /out/a; mv /out/l /out/a"', ("the link to '/etc/passwd' leaves",)),
        ('"mkfifo /out/a"', ("only files, folders and links can be handed on",)),
    ],
)
def test_a_stage_that_fails_or_breaks_its_promise_says_how(
    demo: MakeDemo, run: str, words: tuple[str, ...]
) -> None:
    made = demo(f'[tool.lightship.stages.bad]\nrun = [{run}]\ncopy = {{ "/out/a" = "/app/a" }}\n')
    said = made.fails(5)
    for each in words:
        assert each in said


def test_a_hanging_stage_is_killed_with_all_its_children(demo: MakeDemo) -> None:
    made = demo("""\
[tool.lightship.stages.slow]
run = ["echo waiting for ever; setsid sleep 86397 & sleep 86397"]
copy = { "/out/a" = "/app/a" }
""")
    with pytest.raises(StageError, match="stage 'slow' was ended after 3 seconds") as caught:
        made.build(seconds=3)
    assert caught.value.exit_code == 5
    assert "waiting for ever" in caught.value.detail
    deadline = time.monotonic() + 5
    while processes("86397") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes("86397") == []


def processes(argument: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if argument.encode() in words:
            found.append(path.parent.name)
    return found


def test_two_stages_run_at_once(demo: MakeDemo) -> None:
    script = "import time\nstart = time.monotonic()\ntime.sleep(1.5)\nprint([start, time.monotonic()])\n"
    stages = "".join(
        f'[tool.lightship.stages.{name}]\nrun = ["python time.py > /out/{name}"]\ninputs = ["time.py"]\n'
        f'copy = {{ "/out/{name}" = "/app/{name}" }}\n'
        for name in ("one", "two")
    )
    made = demo(stages.replace('"python', '"sleep 0; python', 1))
    made.write("time.py", script)
    made.write("app.py", "for name in ('one', 'two'): print(open('/app/' + name).read(), end='')\n")
    one, two = map(json.loads, made.shows().splitlines())
    assert max(one[0], two[0]) < min(one[1], two[1])


def test_a_requirement_without_a_wheel_is_refused_by_name(demo: MakeDemo) -> None:
    made = demo("""\
[tool.lightship.stages.model]
requirements = ["requirements-stage.txt"]
run = ["true"]
copy = { "/out/a" = "/app/a" }
""")
    made.write("requirements-stage.txt", "psycopg2==2.9.9\n")
    said = made.fails(3)
    assert "stage 'model': a package has no wheel" in said
    assert "psycopg2 2.9.9: has only source" in said
