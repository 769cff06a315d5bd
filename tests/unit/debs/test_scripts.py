from __future__ import annotations

from pathlib import Path

import pytest

from lightship.debs.scripts import ScriptFinding, matters, script_warnings
from tests.unit.debs.forge import write_deb

GENERATED = """\
#!/bin/sh
set -e
# Automatically added by {helper}/13.11.4
{command}
# End automatically added section
exit 0
"""
EMPTY = """\
#! /bin/sh
# postinst script
set -e

case "$1" in
    configure|abort-upgrade)
    ;;
    *)
        echo "postinst called with unknown argument '$1'" >&2
        exit 1
    ;;
esac

exit 0
"""


def test_a_package_without_scripts_is_harmless() -> None:
    assert matters("demo", {"control": b"", "prerm": b"rm -rf x", "postrm": b"rm"}) is None


@pytest.mark.parametrize(
    ("helper", "command"),
    [
        ("dh_python3", "py3compile -p demo"),
        ("dh_installdeb", 'dpkg-maintscript-helper rm_conffile /etc/x 1~ -- "$@"'),
        ("dh_installsystemd", "deb-systemd-helper enable demo.service"),
        ("dh_makeshlibs", "ldconfig"),
    ],
)
def test_snippets_of_debhelper_are_harmless(helper: str, command: str) -> None:
    script = GENERATED.format(helper=helper, command=command).encode()
    assert matters("demo", {"postinst": script}) is None


def test_a_script_that_does_nothing_is_harmless() -> None:
    assert matters("demo", {"postinst": EMPTY.encode(), "preinst": b"#!/bin/sh\nset -e\nexit 0\n"}) is None


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("update-alternatives --install /usr/bin/x x /usr/bin/y 10", "alternatives"),
        ("dpkg-divert --add /bin/x", "other packages"),
        ("adduser --system demo", "users"),
        ("setcap cap_net_raw+ep /usr/bin/ping", "capabilities"),
        ("update-mime-database /usr/share/mime", "cache"),
        ("mkdir -p /var/lib/demo", "folders"),
        ("ln -s a b", "links"),
        ("frobnicate", "does not know"),
    ],
)
def test_a_script_that_does_something_is_named_with_what_it_does(command: str, reason: str) -> None:
    assert reason in (matters("demo", {"postinst": f"#!/bin/sh\n{command}\n".encode()}) or "")
    assert reason in (matters("demo", {"preinst": EMPTY.replace(";;", f"{command}\n;;", 1).encode()}) or "")


def test_a_snippet_that_matters_is_not_harmless() -> None:
    script = GENERATED.format(helper="dh_installalternatives", command="update-alternatives --install x")
    assert matters("demo", {"postinst": script.encode()}) is not None


def test_reviewed_packages_are_harmless_whatever_their_scripts_say() -> None:
    assert matters("libc6", {"postinst": b"frobnicate"}) is None
    assert matters("python3.13-minimal", {"postinst": b"frobnicate"}) is None
    assert matters("libc6-dev", {"postinst": b"frobnicate"}) is not None


def test_packages_are_named_in_order(tmp_path: Path) -> None:
    debs = [
        write_deb(tmp_path, name, control={"postinst": "#!/bin/sh\nadduser x\n"}) for name in ("b", "a")
    ] + [write_deb(tmp_path, "c")]
    assert script_warnings(debs) == (
        ScriptFinding("a", "its postinst creates users or groups"),
        ScriptFinding("b", "its postinst creates users or groups"),
    )
