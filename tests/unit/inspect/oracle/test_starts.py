from __future__ import annotations

import pytest

from lightship.build.building import plan_project
from lightship.fs.entries import Entry, Kind, regular
from lightship.inspect.oracle.starts import Modules, guess_start, modules_of
from lightship.plan.model import Plan
from lightship.wheels.distant import Parts, open_parts
from tests.support.locked import AMD64, Locked
from tests.support.wheels import wheel_bytes

SITE, LIBRARY = "opt/venv/lib/python3.11/site-packages", "usr/lib/python3.11"


@pytest.fixture
def plan(made: Locked) -> Plan:
    return plan_project(made.project(), "none", AMD64, made.machine(), locked=True)


def source(path: str, text: str = "") -> Entry:
    return regular(path, text.encode())


def of_image(plan: Plan, application: str) -> Modules:
    """Have an application, two distributions and a library; the program is uvicorn's."""
    modules = modules_of(plan)
    modules.add([source("app/app/main.py", application), source("app/app/__init__.py")])
    modules.add(
        [
            source(f"{SITE}/demo/__init__.py", "from .core import run\n"),
            source(f"{SITE}/demo/core.py", "import json\nimport other.fast\n"),
            source(f"{SITE}/demo/unused.py", "import decimal\n"),
        ],
        "demo",
    )
    modules.add(
        [
            source("opt/venv/bin/uvicorn", "#!/opt/venv/bin/python\nimport sys\nfrom uvi.main import main\n"),
            source(f"{SITE}/uvi/main.py"),
            source(f"{SITE}/other/__init__.py"),
            source(f"{SITE}/other/fast.cpython-311-x86_64-linux-gnu.so"),
            source(f"{SITE}/other/data.txt"),
        ],
        "other",
    )
    modules.add(
        [
            source(f"{LIBRARY}/json/__init__.py", "from .decoder import JSONDecoder\n"),
            source(
                f"{LIBRARY}/json/decoder.py",
                "try:\n    from _json import x\nexcept ImportError:\n    import decimal\n",
            ),
            source(f"{LIBRARY}/decimal.py"),
            source(f"{LIBRARY}/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so"),
        ]
    )
    return modules


def test_imports_are_followed_from_the_application_and_the_program(plan: Plan) -> None:
    start = guess_start(plan, "3.11", of_image(plan, "def f():\n    import demo\n"), lambda _: True)
    assert start is not None
    assert start.modules == {
        "demo": ("demo/__init__.py", "demo/core.py"),
        "other": ("other/__init__.py", "uvi/main.py"),
    }
    assert start.standard_library == ("json/__init__.py", "json/decoder.py")
    assert (start.python, start.distributions) == ("3.11", {"demo": "1.0", "other": "1.0"})


def test_what_is_asked_for_is_imported_on_demand(plan: Plan) -> None:
    modules = of_image(plan, "from lazy import Thing\n")
    lazy = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .{}\n"
    modules.add(
        [
            source(
                f"{SITE}/lazy/__init__.py", lazy.format("inner import Thing, Other\n    from .no import No")
            ),
            source(f"{SITE}/lazy/inner/__init__.py", lazy.format("thing import Thing")),
            source(f"{SITE}/lazy/inner/thing.py"),
            source(f"{SITE}/lazy/no.py"),
        ],
        "demo",
    )
    start = guess_start(plan, "3.11", modules, lambda _: True)
    assert start is not None
    assert start.modules["demo"] == ("lazy/__init__.py", "lazy/inner/__init__.py", "lazy/inner/thing.py")


def test_modules_that_the_command_names_are_imported(plan: Plan) -> None:
    assert "app.main:app" in plan.execution.argv
    modules = of_image(plan, "")
    modules.sources["app"] = modules.sources.pop("demo.unused")
    start = guess_start(plan, "3.11", modules, lambda _: True)
    assert start is not None
    assert start.standard_library == ("decimal.py",)


def test_where_a_module_cannot_be_had_nothing_is_told(plan: Plan) -> None:
    data = wheel_bytes("demo", "1.0", {"demo/__init__.py": b"import json\n"})
    archive = open_parts(Parts("demo", len(data), lambda start, end: data[start:end]))
    modules = of_image(plan, "import demo\n")
    member = archive.members["demo/__init__.py"]
    modules.add([Entry(f"{SITE}/demo/__init__.py", Kind.FILE, 0o644, member)], "demo")
    assert guess_start(plan, "3.11", modules, lambda _: False) is None
    start = guess_start(plan, "3.11", modules, lambda _: True)
    assert start is not None
    assert start.modules["demo"] == ("demo/__init__.py",)
