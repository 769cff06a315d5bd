from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from lightship.fs.entries import Entry, directory, regular, symlink
from lightship.inspect.checks import configuration, development, distributions, libraries
from lightship.inspect.checks.configuration import Demands
from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding
from lightship.oci.model import Execution, Healthcheck
from tests.support.elves import AARCH64, elf

SITE = "usr/lib/python3.11/site-packages"
LOADER = "/lib64/ld-linux-x86-64.so.2"
MakeContents = Callable[..., Contents]


def said(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in findings]


def test_headers_and_static_libraries_of_the_system_are_found(make_contents: MakeContents) -> None:
    contents = make_contents(
        [
            regular("usr/include/a/one.h", b"x" * 2_000_000),
            regular("usr/include/a/two.hpp", b""),
            regular("usr/lib/libc.a", b""),
            regular("usr/share/notes.h", b""),
        ]
    )
    findings = list(development.check(contents))
    assert said(findings) == [("LV111-header", "usr/include/a"), ("LV112-static-library", "usr/lib")]
    assert findings[0].message == "2 headers, 2.0 MB"


def test_those_that_wheels_carry_are_notes_for_each_distribution(make_contents: MakeContents) -> None:
    contents = make_contents(
        [regular(f"{SITE}/torch/include/{name}.h", bytes(400_000)) for name in "abc"]
        + [regular(f"{SITE}/numpy/lib/libm.a", bytes(1_000_000)), regular(f"{SITE}/small/a.h", b"")]
    )
    assert said(development.check(contents)) == [
        ("LV113-header-in-wheel", f"{SITE}/torch"),
        ("LV114-static-library-in-wheel", f"{SITE}/numpy"),
    ]


def test_a_library_that_nobody_has_is_an_error_once(make_contents: MakeContents) -> None:
    contents = make_contents(
        [
            regular(f"{SITE}/x/a.so", elf(["libnone.so.1", "libcuda.so.1"])),
            regular(f"{SITE}/x/b.so", elf(["libnone.so.1"])),
            regular("usr/lib/python3.11/lib-dynload/_tkinter.so", elf(["libtk8.6.so"])),
        ]
    )
    assert said(libraries.check(contents)) == [
        ("LV201-missing-library", f"{SITE}/x/a.so and 1 more"),
        ("LV203-optional-library", "usr/lib/python3.11/lib-dynload/_tkinter.so"),
    ]


def test_a_library_out_of_the_loaders_way_is_a_note_that_names_it(make_contents: MakeContents) -> None:
    contents = make_contents(
        [
            regular(f"{SITE}/x/a.so", elf(["libb.so"])),
            regular(f"{SITE}/nvidia/lib/libb.so", elf(soname="libb.so")),
        ]
    )
    [finding] = libraries.check(contents)
    assert finding.rule == "LV202-library-by-preload"
    assert f"{SITE}/nvidia/lib/libb.so" in finding.message


def test_the_images_links_and_variables_lead_to_libraries(make_contents: MakeContents) -> None:
    entries = [
        symlink("lib", "usr/lib"),
        regular("usr/lib/libc.so.6", elf()),
        regular("opt/cuda/libd.so", elf()),
        regular("bin/tool", elf(["libc.so.6", "libd.so"]), 0o755),
    ]
    assert said(libraries.check(make_contents(entries))) == [("LV202-library-by-preload", "bin/tool")]
    execution = Execution(env=("LD_LIBRARY_PATH=/opt/cuda:",))
    assert not list(libraries.check(make_contents(entries, execution=execution)))


def test_a_program_without_its_loader_is_an_error(make_contents: MakeContents) -> None:
    program = regular("bin/tool", elf(interpreter=LOADER), 0o755)
    assert said(libraries.check(make_contents([program]))) == [("LV204-missing-loader", "bin/tool")]
    assert not list(libraries.check(make_contents([program, regular(LOADER[1:], elf())])))


def test_files_of_another_machine_are_errors_unless_a_wheel_carries_them(make_contents: MakeContents) -> None:
    other = elf(machine=AARCH64)
    contents = make_contents(
        [
            regular("usr/lib/liba.so", other),
            regular(f"{SITE}/x/a.cpython-311-x86_64-linux-gnu.so", other),
            regular(f"{SITE}/x/firmware.bin", other),
        ]
    )
    assert sorted(said(libraries.check(contents))) == [
        ("LV205-wrong-machine", "usr/lib/liba.so"),
        ("LV205-wrong-machine", f"{SITE}/x/a.cpython-311-x86_64-linux-gnu.so"),
        ("LV206-other-machine-in-wheel", f"{SITE}/x/firmware.bin"),
    ]


PASSWD = [regular("etc/passwd", b"root:x:0:0::/root:\napp:x:1001:1001::/app:\ntoor:x:0:0::/:\n")]
HEALTH = Healthcheck(("CMD", "x"))


@pytest.mark.parametrize(
    ("user", "rules"),
    [
        ("app", []),
        ("1001:1001", []),
        ("", ["LV301-root"]),
        ("0", ["LV301-root"]),
        ("root", ["LV301-root"]),
        ("toor", ["LV301-root"]),
        ("nobody", ["LV302-unknown-user"]),
    ],
)
def test_the_user_is_known_and_not_root(make_contents: MakeContents, user: str, rules: list[str]) -> None:
    contents = make_contents(PASSWD, execution=Execution(user=user, healthcheck=HEALTH))
    assert [item.rule for item in configuration.check(contents)] == rules


@pytest.mark.parametrize("health", [None, Healthcheck(("NONE",)), Healthcheck(())])
def test_an_image_without_a_health_check_is_warned_of(
    make_contents: MakeContents, health: Healthcheck | None
) -> None:
    contents = make_contents(PASSWD, execution=Execution(user="app", healthcheck=health))
    assert [item.rule for item in configuration.check(contents)] == ["LV311-no-health-check"]


def test_the_budget_is_on_the_layers_tars(make_contents: MakeContents) -> None:
    contents = make_contents([regular("a", bytes(3_000_000))], [regular("a", bytes(1_000_000))])
    assert 4_000_000 < contents.size < 4_010_000
    assert not list(configuration.check_demands(contents, Demands()))
    assert not list(configuration.check_demands(contents, Demands(contents.size)))
    [finding] = configuration.check_demands(contents, Demands(3_500_000))
    assert "4.0 MB unpacked, the budget is 3.5 MB: 0.5 MB too much" in finding.message


def installed(name: str, version: str, *requires: str) -> list[Entry]:
    folder = f"{SITE}/{name}-{version}.dist-info"
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {text}" for text in requires)]
    return [directory(folder), regular(f"{folder}/METADATA", "\n".join([*lines, "", "text"]).encode())]


def test_requirements_are_looked_up(make_contents: MakeContents) -> None:
    contents = make_contents(
        installed(
            "app",
            "1",
            "Present_One>=2",
            "absent",
            "too-old>=2",
            "windows; sys_platform == 'win32'",
            "old-python; python_version < '3.11'",
            "optional; extra == 'x'",
            "not a requirement !",
        )
        + installed("present.one", "2.1")
        + installed("too-old", "1.9")
    )
    assert [(item.rule, item.where, item.message) for item in distributions.check(contents)] == [
        ("LV511-missing-requirement", "app", "requires absent, which is not installed"),
        ("LV512-conflicting-requirement", "app", "requires too-old>=2, not 1.9"),
    ]
