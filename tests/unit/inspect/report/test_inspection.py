from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from lightship.events import SilentReporter
from lightship.fs.entries import Entry, Kind, directory, regular, symlink
from lightship.inspect.report.dists import Asked
from lightship.inspect.report.inspection import inspect_image
from lightship.inspect.report.layers import titles
from lightship.inspect.report.model import Fate, Group, Inspection, Part
from lightship.oci.layout import Layout
from lightship.oci.model import Execution, History, ImageConfig, RootFs
from tests.support.elves import elf
from tests.support.images import add_image, add_layer
from tests.support.installed import SITE, deb_in_folder, deb_stanza, dist
from tests.unit.inspect.report.conftest import Inspect

WORKDIR = Execution(working_dir="/app")


def part(found: Inspection, identity: str) -> Part:
    return next(part for part in found.parts if part.id == identity)


def names(found: Inspection, *parts: str) -> list[tuple[str, ...]]:
    return [tuple(name.partition(":")[2] for name in part(found, each).why) for each in parts]


def test_every_byte_is_accounted_for(inspect: Inspect) -> None:
    found = inspect(
        [regular("etc/a", b"12345"), regular("etc/b", b"1")],
        [regular("etc/a", b"123"), regular("etc/.wh.b", b"")],
    )
    assert (found.visible, found.hidden) == (3, 6)
    assert found.visible + found.hidden + found.overhead == found.unpacked
    assert sum(layer.unpacked for layer in found.layers) == found.unpacked
    assert sum(part.size for part in found.parts) == found.visible
    assert [layer.content for layer in found.layers] == [6, 3]
    assert [layer.hidden for layer in found.layers] == [6, 0]
    assert [layer.whiteouts for layer in found.layers] == [0, 1]


def test_record_says_whose_files_they_are(inspect: Inspect) -> None:
    found = inspect(dist("torch", {"torch/lib.so": b"x" * 900, "../../../bin/torchrun": b"#!"}))
    torch = part(found, "python:torch")
    assert (torch.name, torch.version, torch.summary) == ("torch", "1.0", "What torch does")
    assert torch.place == f"/{SITE}"
    assert torch.files == 4
    assert torch.size == found.visible
    assert {file.path for file in found.files} >= {"opt/venv/bin/torchrun", f"{SITE}/torch/lib.so"}


def test_bytecode_belongs_to_whom_its_source_belongs(inspect: Inspect) -> None:
    found = inspect(
        [*dist("fast", {"fast/main.py": b"pass"}), regular("app/main.py", b"pass")],
        [
            regular(f"{SITE}/fast/__pycache__/main.cpython-311.pyc", b"12345678"),
            regular("app/__pycache__/main.cpython-311.opt-1.pyc", b"1234"),
        ],
        execution=WORKDIR,
    )
    assert part(found, "python:fast").bytecode == 8
    assert part(found, "python:fast").layers == (0, 1)
    assert part(found, "application:/app").bytecode == 0
    assert part(found, "application:/app/__pycache__").bytecode == 4


def test_a_source_of_bytecode_is_beside_its_folder(inspect: Inspect) -> None:
    found = inspect(
        [*dist("one", {"one.py": b""}), regular(f"{SITE}/__pycache__/one.cpython-311.pyc", b"123")]
    )
    assert part(found, "python:one").bytecode == 3


def test_the_application_is_what_is_left_of_the_working_directory(inspect: Inspect) -> None:
    files = [
        regular("app/main.py", b"1"),
        regular("app/models/big/weights", b"1234"),
        regular("srv/data/x/y", b"12"),
    ]
    found = inspect(
        [*files, *dist("vendored", {"v.py": b"1"}, site="app/lib/site-packages")], execution=WORKDIR
    )
    sizes = {each.id: each.size for each in found.parts if each.group is not Group.PYTHON}
    assert sizes == {"application:/app": 1, "application:/app/models": 4, "unowned:/srv/data": 2}
    assert part(found, "python:vendored").place == "/app/lib/site-packages"


def test_debian_packages_of_either_kind(inspect: Inspect) -> None:
    installed = "install ok installed"
    status = deb_stanza("libfoo", depends="libbar | libother, gone", status=installed) + deb_stanza(
        "removed", status="deinstall ok config-files"
    )
    database = [
        directory("usr/lib"),
        symlink("lib", "usr/lib"),
        regular("usr/lib/libfoo.so", b"123"),
        regular("var/lib/dpkg/status", status.encode()),
        regular("var/lib/dpkg/info/libfoo:amd64.list", b"/.\n/lib\n/lib/libfoo.so\n"),
    ]
    found = inspect([*database, *deb_in_folder("libbar", {"usr/lib/libbar.so": b"12345"})])
    listed = len("/.\n/lib\n/lib/libfoo.so\n")
    assert part(found, "debian:libfoo").size == 3 + listed
    assert part(found, "debian:libfoo").summary == "what libfoo does"
    assert part(found, "debian:libfoo").requires == ("debian:libbar",)
    assert part(found, "debian:libbar").required_by == ("debian:libfoo",)
    assert "debian:removed" not in {each.id for each in found.parts}
    assert {file.part for file in found.files if file.path[8:] == "dpkg/status"} == {"unowned:/var/lib"}


def test_pythons_own_packages_are_a_group_of_their_own(inspect: Inspect) -> None:
    found = inspect(
        [
            *deb_in_folder("libpython3.11-stdlib", {"usr/lib/python3.11/json/__init__.py": b"1234"}),
            regular("usr/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc", b"12"),
            *deb_in_folder("python3-apt", {"usr/lib/python3/dist-packages/apt.py": b"1"}),
        ]
    )
    assert part(found, "debian:libpython3.11-stdlib").group is Group.RUNTIME
    assert part(found, "debian:libpython3.11-stdlib").bytecode == 2
    assert part(found, "debian:python3-apt").group is Group.DEBIAN


def test_a_python_that_no_package_brought(inspect: Inspect) -> None:
    prefix = "usr/local"
    own = [
        "lib/python3.12/os.py",
        "bin/python3.12",
        "lib/libpython3.12.so.1.0",
        "include/python3.12/Python.h",
    ]
    others = ["lib/python3.12/site-packages/stray.py", "bin/tool"]
    found = inspect([regular(f"{prefix}/{path}", b"1234") for path in own + others])
    python = part(found, "runtime:/usr/local")
    assert (python.name, python.size, python.files) == ("Python 3.12", 16, 4)
    assert sum(each.size for each in found.parts if each.group is Group.UNOWNED) == 8


def test_a_debian_distribution_is_listed_once(inspect: Inspect) -> None:
    folder = "usr/lib/python3/dist-packages"
    files = dist("apt", {"apt.py": b"1"}, site=folder)
    record = {entry.path: b"" for entry in files}
    found = inspect([*files, *deb_in_folder("python3-apt", record)[len(record) :]])
    assert {each.id for each in found.parts} == {"debian:python3-apt"}


def test_why_is_the_chain_from_what_nothing_requires(inspect: Inspect) -> None:
    found = inspect(
        [
            *dist(
                "sentence-transformers",
                {"s.py": b"1"},
                requires=["torch>=2", "numpy; sys_platform == 'win32'"],
            ),
            *dist("torch", {"t.py": b"1" * 1000}, requires=["sympy", "numpy; extra == 'opt'"]),
            *dist("sympy", {"y.py": b"1" * 100}),
            *dist("numpy", {"n.py": b"1"}),
        ]
    )
    assert names(found, "python:sympy", "python:numpy") == [
        ("sentence-transformers", "torch", "sympy"),
        ("numpy",),
    ]
    torch, sympy = part(found, "python:torch"), part(found, "python:sympy")
    assert torch.total == torch.frees == torch.size + sympy.size
    assert sympy.required_by == ("python:torch",)


def test_requirements_of_extras_that_are_asked_for(inspect: Inspect) -> None:
    found = inspect(
        [
            *dist("service", {"s.py": b""}, requires=["uvicorn[standard]"]),
            *dist("uvicorn", {"u.py": b""}, requires=["uvloop; extra == 'standard'"], extras=["standard"]),
            *dist("uvloop", {"l.py": b""}),
        ]
    )
    assert names(found, "python:uvloop") == [("service", "uvicorn", "uvloop")]


def test_an_extra_whose_every_requirement_is_there_explains_an_orphan(inspect: Inspect) -> None:
    uvicorn = dist(
        "uvicorn",
        {"u.py": b""},
        requires=["uvloop; extra == 'standard'", "colorama; extra == 'standard' and sys_platform == 'win32'"],
        extras=["standard"],
    )
    other = dist(
        "other", {"o.py": b""}, requires=["uvloop; extra == 'x'", "gone; extra == 'x'"], extras=["x"]
    )
    found = inspect([*uvicorn, *other, *dist("uvloop", {"l.py": b""})])
    assert names(found, "python:uvloop") == [("uvicorn", "uvloop")]
    assert part(found, "python:uvloop").required_by == ("python:uvicorn",)


def test_known_requirements_begin_the_chains(inspect: Inspect) -> None:
    asked = {"torch": Asked("requirements.txt:2")}
    entries = [*dist("keras", {"k.py": b""}, requires=["torch"]), *dist("Torch", {"t.py": b""})]
    found = inspect(entries, asked=asked)
    assert part(found, "python:torch").asked == "requirements.txt:2"
    assert names(found, "python:torch") == [("torch",)]


def test_installers_marks_count_where_nothing_else_is_known(inspect: Inspect) -> None:
    entries = [*dist("a", {"a.py": b""}, requires=["b"], requested=True), *dist("b", {"b.py": b""})]
    found = inspect(entries)
    assert part(found, "python:a").asked == "its REQUESTED file"
    assert part(found, "python:b").asked == ""


def test_a_library_that_a_wheel_loads_explains_a_debian_package(inspect: Inspect) -> None:
    library = elf(soname="libpq.so.5")
    found = inspect(
        [
            *deb_in_folder("libpq5", {"usr/lib/x86_64-linux-gnu/libpq.so.5": library}),
            *dist(
                "psycopg2",
                {
                    "psycopg2/_psycopg.so": elf(needed=("libpq.so.5", "libown.so")),
                    "libown.so": elf(soname="libown.so"),
                },
            ),
        ]
    )
    assert names(found, "debian:libpq5") == [("psycopg2", "libpq5")]
    assert part(found, "python:psycopg2").requires == ("debian:libpq5",)


def test_hidden_files_say_what_became_of_them(inspect: Inspect) -> None:
    found = inspect(
        [
            regular("same", b"x" * 50),
            regular("other", b"x" * 40),
            regular("gone", b"x" * 30),
            regular("folder/deep/file", b"x" * 20),
            regular("opaque/file", b"x" * 10),
            regular("turned/file", b"x" * 5),
        ],
        [regular("kept", b"")],
        [
            Entry("same", Kind.FILE, 0o600, regular("", b"x" * 50).content),
            regular("other", b"y" * 40),
            regular(".wh.gone", b""),
            regular(".wh.folder", b""),
            regular("opaque/.wh..wh..opq", b""),
            regular("turned", b""),
        ],
    )
    assert [(lost.path, lost.size, lost.fate) for lost in found.waste.files] == [
        ("same", 50, Fate.REPEATED),
        ("other", 40, Fate.REPLACED),
        ("gone", 30, Fate.REMOVED),
        ("folder/deep/file", 20, Fate.REMOVED),
        ("opaque/file", 10, Fate.REMOVED),
        ("turned/file", 5, Fate.REMOVED),
    ]
    assert {(lost.layer, lost.by) for lost in found.waste.files} == {(0, 2)}
    assert found.waste.size == found.hidden == 155


def test_hard_links_count_once(inspect: Inspect) -> None:
    found = inspect([regular("a", b"12345"), Entry("b", Kind.HARDLINK, 0o644, target="a")])
    assert [(file.path, file.size) for file in found.files] == [("a", 5)]
    assert found.hidden == 0


def test_copies_are_files_with_the_same_content(inspect: Inspect) -> None:
    large = b"x" * (1 << 16)
    files = {"a/one": large, "b/two": large, "c/other": b"y" * (1 << 16), "small": b"1", "small2": b"1"}
    found = inspect([regular(path, data) for path, data in files.items()])
    assert [(copies.size, copies.paths) for copies in found.waste.copies] == [(1 << 16, ("a/one", "b/two"))]


@pytest.mark.parametrize(
    ("history", "title"),
    [
        ("lightship: python: torch 2.13", "python: torch 2.13"),
        ("/bin/sh -c #(nop) ADD file:abc in / ", "ADD file:abc in /"),
        ("RUN /bin/sh -c pip install torch # buildkit", "RUN pip install torch"),
        ("RUN |1 TAG=x /bin/sh -c make # buildkit", "RUN make"),
        ("/bin/sh -c apt-get update &&     true", "RUN apt-get update && true"),
    ],
)
def test_layers_are_named_by_their_history(history: str, title: str) -> None:
    config = ImageConfig(
        architecture="amd64",
        os="linux",
        rootfs=RootFs(("sha256:0",)),  # type: ignore[arg-type]
        history=(History(created_by="ENV A=b", empty_layer=True), History(created_by=history)),
    )
    assert titles(config) == [title]


def test_a_history_that_does_not_fit_names_no_layer(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    layout.create()
    layer = add_layer(layout, [regular("a", b"1")])
    image = add_image(layout, [layer, layer])
    assert titles(msgspec.structs.replace(image.config, history=image.config.history[:1])) == ["", ""]


def test_one_layer_twice_is_hidden_once(inspect: Inspect) -> None:
    layer = [regular("a", b"12345")]
    found = inspect(layer, layer)
    assert (found.visible, found.hidden) == (5, 5)
    assert found.waste.files[0].fate is Fate.REPEATED


def test_the_account_is_json_whole(inspect: Inspect) -> None:
    found = inspect([*dist("a", {"a.py": b"1"})])
    value = json.loads(msgspec.json.encode(found))
    assert {"name", "parts", "layers", "files", "waste", "groups"} <= value.keys()
    assert len(value["files"]) == 3
    assert msgspec.json.decode(msgspec.json.encode(found), type=Inspection) == found


def test_a_damaged_listing_of_packages_is_no_error(inspect: Inspect) -> None:
    found = inspect(
        [
            regular(f"{SITE}/odd-1.dist-info/METADATA", b"\xff\xfe"),
            regular(f"{SITE}/odd-1.dist-info/RECORD", b"\x00,\n../../../../../../etc/passwd,,\n"),
            regular("var/lib/dpkg/status.d/bad", b"Package: bad\nDepends: ((\n"),
        ]
    )
    assert part(found, "python:odd").version == "1"
    assert part(found, "debian:bad").requires == ()


def test_nothing_is_written_but_to_the_cache(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    layout.create()
    image = add_image(layout, [add_layer(layout, [])])
    found = inspect_image("empty", image, cache=tmp_path / "cache", reporter=SilentReporter())
    assert (found.visible, found.parts, found.files) == (0, (), ())
