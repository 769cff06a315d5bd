from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.build.bases import ImageBase, SuiteBase
from lightship.build.cache import Memo
from lightship.build.libraries import SystemPackages, add_libraries
from lightship.build.targets import joining_packages
from lightship.debs.model import InstalledDeb
from lightship.debs.suite import Suite
from lightship.digest import Digest
from lightship.errors import ResolutionError, UsageError
from lightship.events import SilentReporter
from lightship.oci.model import Execution
from lightship.plan.base import GLIBC, BaseFacts, BaseImage, Interpreter
from lightship.project.config import Config, TargetConfig
from lightship.project.targets import Target
from tests.support.elves import elf
from tests.support.locked import AMD64, Locked
from tests.support.suites import make_suite
from tests.support.wheels import wheel_bytes, write_wheel
from tests.unit.debs.forge import stanza

PQ, Z = "libpq.so.5", "libz.so.1"
STANZAS = (
    stanza("libc6", "2.36-9"),
    stanza("libpq5", Depends="libc6 (>= 2.34), libssl3"),
    stanza("libssl3", Depends="libc6 (>= 2.34)"),
    stanza("libmagic1"),
    stanza("zlib1g"),
)
LIB = "usr/lib/x86_64-linux-gnu"
CONTENTS = f"{LIB}/libmagic.so.1  libs/libmagic1\n{LIB}/{PQ}  libs/libpq5\n{LIB}/{Z}  libs/zlib1g\n"
FACTS = BaseFacts(
    pythons=(Interpreter("/usr/bin/python3.11", "3.11.2"),),
    libc=GLIBC,
    glibc=(2, 36),
    os_id="debian",
    os_version="12",
    codename="bookworm",
    packages=(InstalledDeb("libc6", "2.36-9", "amd64"),),
    libraries=("libc.so.6", Z),
    links={"bin": "usr/bin", "lib": "usr/lib"},
)
Make = Callable[..., ImageBase]


@pytest.fixture
def opened() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path: Path, opened: list[str]) -> Make:
    def open_suite(name: str) -> Suite:
        opened.append(name)
        return make_suite(tmp_path / "indexes", STANZAS, {"amd64": CONTENTS})

    def base(*roots: str, facts: BaseFacts = FACTS) -> ImageBase:
        digest = Digest("sha256:" + "d" * 64)
        image = BaseImage("oci:base", digest, "amd64", (), Execution(), facts, facts.pythons[0])
        return ImageBase(image, AMD64, roots, open_suite)

    return base


def needing(tmp_path: Path, base: ImageBase, *sonames: str, name: str = "own") -> SystemPackages:
    made = Locked(tmp_path)
    data = wheel_bytes(name, "1.0", {f"{name}/_own.so": elf(sonames)})
    wheel = write_wheel(made.machine().home.archives / "sha256", name, "1.0", data)
    return add_libraries(base, [wheel], made.machine())


def test_an_image_says_what_wheels_must_run_on(make: Make) -> None:
    base = make()
    assert (base.python_full, base.glibc, base.installed) == ("3.11.2", (2, 36), {"libc6"})
    assert base.debs == ()


def test_packages_join_without_what_the_base_has(make: Make) -> None:
    assert [deb.name for deb in make("libpq5").debs] == ["libpq5", "libssl3"]
    assert [deb.name for deb in make("libc6").debs] == []


def test_a_base_that_is_too_old_for_a_package_is_named(make: Make) -> None:
    old = replace(FACTS, packages=(InstalledDeb("libc6", "2.31-1", "amd64"),))
    with pytest.raises(ResolutionError, match=r"and the base has libc6 2\.31-1"):
        make(facts=old).with_packages({"libpq5"})


def test_what_the_base_has_is_not_looked_up(make: Make, tmp_path: Path, opened: list[str]) -> None:
    found = needing(tmp_path, make(), "libc.so.6", Z)
    assert (found.debs, found.libraries, found.warnings, opened) == ((), (), (), [])


def test_a_library_that_the_base_lacks_joins_it(make: Make, tmp_path: Path) -> None:
    found = needing(tmp_path, make(), PQ, Z)
    assert [deb.name for deb in found.debs] == ["libpq5", "libssl3"]
    assert [(library.package, library.wheel) for library in found.libraries] == [("libpq5", "own")]


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, os_id="ubuntu", codename="jammy"),
        replace(FACTS, links={}),
        replace(FACTS, os_id="rhel"),
    ],
)
def test_a_library_that_no_package_can_bring_is_named(
    make: Make, tmp_path: Path, facts: BaseFacts, opened: list[str]
) -> None:
    found = needing(tmp_path, make(facts=facts), PQ, "libc.so.6")
    (warning,) = found.warnings
    assert warning.startswith(
        "libpq.so.5 is not in the base, and own needs it (own/_own.so); Debian packages"
    )
    assert opened == []


def test_a_library_that_is_loaded_with_dlopen_and_is_there_needs_no_hint(make: Make, tmp_path: Path) -> None:
    (hint,) = needing(tmp_path, make(), name="python_magic").warnings
    assert "add libmagic1 to `runtime-packages`" in hint
    there = replace(FACTS, libraries=("libmagic.so.1",))
    assert needing(tmp_path, make(facts=there), name="python_magic").warnings == ()


def test_packages_of_debian_cannot_join_another_system(make: Make) -> None:
    with pytest.raises(UsageError, match="no Debian release that packages can join: libpq5") as error:
        make(facts=replace(FACTS, os_id="ubuntu", codename="jammy")).with_packages({"libpq5"})
    assert (error.value.where, "`runtime-packages`" in error.value.hint) == ("oci:base", True)


def test_compilers_come_from_the_suite_that_has_the_bases_python(make: Make) -> None:
    assert make().builder_suite() == "bookworm"


@pytest.mark.parametrize(
    ("facts", "system", "hint"),
    [
        (replace(FACTS, os_id="ubuntu", codename="jammy"), "ubuntu jammy", 'base = "debian:bookworm"'),
        (replace(FACTS, os_id="", codename="", os_version=""), "unknown", 'base = "debian:bookworm"'),
        (
            replace(FACTS, pythons=(Interpreter("/usr/local/bin/python3.12", "3.12.1"),)),
            "debian bookworm",
            "another Python",
        ),
    ],
)
def test_a_base_whose_python_no_suite_has_cannot_build(
    make: Make, facts: BaseFacts, system: str, hint: str
) -> None:
    with pytest.raises(
        UsageError, match=f"cannot be built for Python 3.1[12] on this base .{system}."
    ) as error:
        make(facts=facts).builder_suite()
    assert error.value.hint == f"require versions that have wheels, or set {hint}"


def test_packages_beside_others_are_resolved_with_them(make: Make) -> None:
    base = make("libmagic1").joined_by({"libpq5"})
    assert [deb.name for deb in base.debs] == ["libmagic1", "libpq5", "libssl3"]
    assert base.python_full == "3.11.2"


def test_locked_packages_say_what_a_suite_is_until_more_join_them(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, STANZAS, {})
    older = tuple(replace(deb, version="2.35-1") for deb in suite.resolve(["libc6"]))
    base = SuiteBase(suite, ("libc6",), Memo(tmp_path / "memo"), older)
    assert (base.debs, base.glibc) == (older, (2, 35))
    assert {deb.name: deb.version for deb in base.joined_by({"zlib1g"}).debs}["libc6"] == "2.36-9"


class Listening(SilentReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_targets_packages_join_a_base_of_debian_alone(make: Make) -> None:
    target, heard = Target("development", packages=("libc6", "zlib1g")), Listening()
    assert joining_packages(target, Config(), make(), heard) == ["zlib1g"]
    ubuntu = make(facts=replace(FACTS, os_id="ubuntu", codename="noble"))
    assert joining_packages(target, Config(), ubuntu, heard) == ()
    assert heard.notes == [
        "target development goes without zlib1g: the base is no Debian release that packages can join"
    ]
    config = Config(base="oci:noble", targets={"development": TargetConfig(packages=("libc6", "zlib1g"))})
    with pytest.raises(UsageError, match="can join, and target 'development' asks for zlib1g") as caught:
        joining_packages(target, config, ubuntu, heard)
    assert caught.value.where == "oci:noble"
    assert "set packages = [] in [tool.lightship.targets.development]" in caught.value.hint
    assert joining_packages(Target("own", packages=("libc6",)), config, ubuntu, heard) == []
