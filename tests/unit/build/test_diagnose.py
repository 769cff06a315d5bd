"""Lines as compilers, build backends and shells really write them."""

from __future__ import annotations

import pytest

from lightship.build.diagnose import Missing, excerpt, find_missing

LOGS = [
    ("src/psycopg.h:37:10: fatal error: libpq-fe.h: No such file or directory", "header", "libpq-fe.h"),
    ("c/_cffi_backend.c:15:10: fatal error: ffi.h: No such file or directory", "header", "ffi.h"),
    ("src/a.c:1:10: fatal error: Python.h: No such file or directory", "header", "Python.h"),
    ("_openssl.c:571:10: fatal error: openssl/opensslv.h: No such file or directory", "header",
     "openssl/opensslv.h"),
    ("x.cpp:3:10: fatal error: 'unicode/uchar.h' file not found", "header", "unicode/uchar.h"),
    ("a.cc:1:10: fatal error: boost/any.hpp: No such file or directory", "header", "boost/any.hpp"),
    ("/usr/bin/ld: cannot find -lxml2: No such file or directory", "library", "xml2"),
    ("/usr/bin/x86_64-linux-gnu-ld: cannot find -lz", "library", "z"),
    ("ld.lld: error: unable to find library -lssl", "library", "ssl"),
    ("Error: pg_config executable not found.", "program", "pg_config"),
    ("/bin/sh: 1: cargo: not found", "program", "cargo"),
    ("/bin/sh: 1: mysql_config: not found", "program", "mysql_config"),
    ("build.sh: line 3: bash: swig: command not found", "program", "swig"),
    ("bash: line 1: cmake: command not found", "program", "cmake"),
    ("/usr/bin/env: 'perl': No such file or directory", "program", "perl"),
    ("/usr/bin/env: \u2018ruby\u2019: No such file or directory", "program", "ruby"),
    ("make: bison: No such file or directory", "program", "bison"),
    ("make[2]: flex: No such file or directory", "program", "flex"),
    ("FileNotFoundError: [Errno 2] No such file or directory: 'cmake'", "program", "cmake"),
    ("error: command 'swig' failed: No such file or directory", "program", "swig"),
    ("error: can't find Rust compiler", "program", "cargo"),
    ("This package requires Rust and Cargo to compile extensions.", "program", "cargo"),
    ("Exception: Can not find valid pkg-config name.", "program", "mysql_config"),
    ("../meson.build:5:0: ERROR: Program 'gfortran' not found or not executable", "program", "gfortran"),
    ("Package libxml-2.0 was not found in the pkg-config search path.", "pkg-config", "libxml-2.0"),
    ("Package 'cairo', required by 'virtual:world', not found", "pkg-config", "cairo"),
    ("No package 'libzmq' found", "pkg-config", "libzmq"),
    ('../meson.build:9:0: ERROR: Dependency "openblas" not found, tried pkgconfig and cmake', "pkg-config",
     "openblas"),
    ("Error: Please make sure the libxml2 and libxslt development packages are installed.", "header",
     "libxslt/xslt.h"),
]  # fmt: skip


@pytest.mark.parametrize(("log", "what", "name"), LOGS)
def test_what_is_missing_is_read_from_the_log(log: str, what: str, name: str) -> None:
    lines = f"running build_ext\nbuilding 'own' extension\n{log}\ncompilation terminated.\n"
    assert [(missing.what, missing.name) for missing in find_missing(lines)] == [(what, name)]


@pytest.mark.parametrize(
    "log",
    [
        "checking for stdint.h... yes",
        "a.c:3:5: error: expected ';' before 'return'",
        "ModuleNotFoundError: No module named 'numpy'",
        "warning: no files found matching 'LICENSE'",
    ],
)
def test_other_failures_name_nothing(log: str) -> None:
    assert find_missing(log) == ()


def test_what_stops_the_compiler_comes_before_what_a_script_looked_for() -> None:
    log = (
        "/bin/sh: 1: xslt-config: not found\n/bin/sh: 1: xslt-config: not found\n"
        "src/etree.c:96:10: fatal error: libxml/tree.h: No such file or directory\n"
    )
    assert find_missing(log) == (Missing("header", "libxml/tree.h"), Missing("program", "xslt-config"))


def test_names_are_looked_for_where_packages_have_them() -> None:
    assert Missing("header", "openssl/ssl.h").paths() == ("include/openssl/ssl.h", "openssl/ssl.h")
    assert Missing("library", "pq").paths() == ("libpq.so", "libpq.a")
    assert Missing("program", "/usr/local/bin/swig").paths() == ("bin/swig",)
    assert Missing("pkg-config", "libpq").paths() == ("pkgconfig/libpq.pc",)


def test_an_excerpt_begins_shortly_before_the_first_error() -> None:
    log = "\n".join([*(f"line {number}" for number in range(500)), "a.c:1: error: no", "compilation ended"])
    shown = excerpt(log).splitlines()
    assert shown[0] == "line 494"
    assert shown[-2:] == ["a.c:1: error: no", "compilation ended"]


def test_an_excerpt_leaves_out_the_middle_of_a_long_failure() -> None:
    log = "\n".join(["fatal error: x.h: No such file", *(f"note {number}" for number in range(900)), "end"])
    shown = excerpt(log).splitlines()
    assert shown[0] == "fatal error: x.h: No such file"
    assert shown[-1] == "end"
    assert any("lines left out" in line for line in shown)
    assert len(shown) < 40


def test_an_excerpt_of_a_log_without_an_error_is_its_end() -> None:
    shown = excerpt("\n".join(f"line {number}" for number in range(100)))
    assert shown.endswith("line 99")
    assert not shown.startswith("line 0")
    assert excerpt("") == ""


def test_warnings_are_not_taken_for_the_error() -> None:
    log = "\n".join(["x.c: warning: error: maybe", *(f"line {n}" for n in range(50)), "x.c:2: error: yes"])
    assert "maybe" not in excerpt(log)
    assert "x.c:2: error: yes" in excerpt(log)
