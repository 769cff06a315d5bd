from __future__ import annotations

import pytest

from lightship.debs.trim import RULES, base_trimmer

SAFE = base_trimmer(tuple(rule.name for rule in RULES))
LIB = "usr/lib/x86_64-linux-gnu"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("usr/share/doc", ""),
        ("usr/share/doc/a", ""),
        ("usr/share/doc/a/copyright", ""),
        ("usr/share/doc/a/b/copyright", "documentation"),
        ("usr/share/docs", ""),
        ("usr/share/man", "documentation"),
        ("usr/share/locale/de/x.mo", "translations"),
        ("usr/lib/locale/C.utf8/LC_CTYPE", ""),
        ("usr/share/zoneinfo/right/Europe/Berlin", "leap-second-zones"),
        ("usr/share/zoneinfo/Europe/Berlin", ""),
        (f"{LIB}/gconv", ""),
        (f"{LIB}/gconv/gconv-modules", ""),
        (f"{LIB}/gconv/UTF-16.so", ""),
        (f"{LIB}/gconv/BIG5.so", "rare-character-sets"),
        ("usr/lib/aarch64-linux-gnu/gconv/libCNS.so", "rare-character-sets"),
        (f"{LIB}/gconv/gconv-modules.d/gconv-modules-extra.conf", "rare-character-sets"),
        ("usr/lib/python3.11/test/support/__init__.py", "python-tests"),
        ("usr/lib/python3.13/lib-dynload/_testcapi.cpython-313-x86_64-linux-gnu.so", "python-tests"),
        ("usr/lib/python3.11/unittest/__init__.py", ""),
        ("usr/lib/python3.11/pydoc_data/topics.py", "interactive-help"),
        ("usr/lib/python3.11/pydoc_data/__init__.py", ""),
        ("usr/share/ca-certificates/mozilla/a.crt", "certificate-sources"),
        ("usr/sbin/ldconfig", ""),
        ("usr/bin/localedef", "administration"),
    ],
)
def test_rules_take_what_they_should(path: str, rule: str) -> None:
    assert SAFE(path) == rule


def test_without_rules_everything_stays() -> None:
    assert base_trimmer(())("usr/share/man") == ""


@pytest.mark.parametrize(
    ("rule", "present"),
    [
        ("rare-character-sets", "locales"),
        ("rare-character-sets", "pyodbc"),
        ("certificate-sources", "openssl"),
        ("administration", "dash"),
        ("debugger-helpers", "gdb"),
    ],
)
def test_who_needs_it_spares_it(rule: str, present: str) -> None:
    (found,) = (each for each in RULES if each.name == rule)
    assert found.holds({"libc6", "numpy"})
    assert not found.holds({"libc6", present})
