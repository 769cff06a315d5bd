"""What Debian packages bring that no service reads: the rules of the level `safe`.

`tests/integration/debs/test_trim.py` shows what is left to work, on a real base.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightship.fs.trim import TrimRule

if TYPE_CHECKING:
    from lightship.slim import Trimmer

_UNREAD = "text for people: no program may need what is in usr/share/doc (Debian policy, section 12.3)"

MANUALS = ("documentation", "translations", "shell-completion", "packaging-helpers", "desktop-entries")
"""Names of the rules about what people read, and no program does."""
RULES = (
    TrimRule(
        name="documentation",
        paths=(
            "usr/share/doc/**",
            "usr/share/man/**",
            "usr/share/info/**",
            "usr/share/gtk-doc/**",
            "usr/share/help/**",
            "usr/share/doc-base/**",
        ),
        keep=("usr/share/doc", "usr/share/doc/*", "usr/share/doc/*/copyright"),
        reason="manuals; licences stay",
        proof=_UNREAD,
    ),
    TrimRule(
        name="translations",
        paths=("usr/share/locale/**",),
        reason="translated messages",
        proof="gettext reads them in locales other than C, of which none is generated",
    ),
    TrimRule(
        name="shell-completion",
        paths=("usr/share/bash-completion/**", "usr/share/zsh/**", "usr/share/fish/**"),
        reason="completion for interactive shells",
        proof="only those shells read it",
    ),
    TrimRule(
        name="packaging-helpers",
        paths=(
            "usr/share/lintian/**",
            "usr/share/linda/**",
            "usr/share/bug/**",
            "usr/share/apport/**",
            "usr/share/debhelper/**",
            "usr/share/binfmts/**",
            "var/cache/ldconfig/**",
        ),
        reason="for building, checking, installing and reporting on packages",
        proof="only the tools named by the folders read it",
    ),
    TrimRule(
        name="desktop-entries",
        paths=("usr/share/menu/**", "usr/share/applications/**", "usr/share/pixmaps/**"),
        reason="menus and icons of desktops",
        proof="only desktops read it",
    ),
    TrimRule(
        name="debugger-helpers",
        paths=("usr/share/gdb/**", "usr/share/gcc/python/**"),
        unless=frozenset({"gdb"}),
        reason="pretty-printers for gdb",
        proof="only gdb reads it; with it in the image, the rule is not applied",
    ),
    TrimRule(
        name="rare-character-sets",
        paths=("usr/lib/*/gconv/**",),
        keep=(
            "usr/lib/*/gconv",
            "usr/lib/*/gconv/gconv-modules",
            *(
                f"usr/lib/*/gconv/{name}.so"
                for name in (
                    "ANSI_X3.110",
                    "CP1252",
                    "ISO8859-1",
                    "ISO8859-15",
                    "UNICODE",
                    "UTF-16",
                    "UTF-32",
                    "UTF-7",
                )
            ),
        ),
        # What calls iconv for character sets that its data, not its code, names.
        unless=frozenset(
            {
                "fiona",
                "freetds-common",
                "gdal",
                "libarchive13",
                "libarchive13t64",
                "libgdal32",
                "libgdal36",
                "libglib2.0-0",
                "libglib2.0-0t64",
                "libxml2",
                "libxml2-16",
                "locales",
                "locales-all",
                "pymssql",
                "pyodbc",
                "pyogrio",
                "rasterio",
                "tdsodbc",
            }
        ),
        reason="converters of iconv(3) for all but UTF-8, -16, -32, ISO 8859-1, -15 and CP1252",
        proof="they are those that glibc lists apart (gconv-modules-extra.conf). Python's codecs are its own,"
        " and iconv_open fails as documented; with a package known to use more of it the rule is not applied",
    ),
    TrimRule(
        name="leap-second-zones",
        paths=("usr/share/zoneinfo/right/**",),
        reason="time zones for clocks that count leap seconds, which those of Linux do not",
        proof="zoneinfo.available_timezones() leaves them out (PEP 615); a TZ would have to say right/",
    ),
    TrimRule(
        name="python-tests",
        paths=(
            "usr/lib/python3*/test/**",
            "usr/lib/python3*/lib-dynload/_test*.so",
            "usr/lib/python3*/lib-dynload/_ctypes_test.*.so",
            "usr/lib/python3*/lib-dynload/_xxtestfuzz.*.so",
            "usr/lib/python3*/lib-dynload/xxlimited*.so",
        ),
        reason="Python's own tests and the modules they are about",
        proof="the library reference says that `test` is for Python's own use and may go without notice; no"
        " other module imports it, but for a function of multiprocessing.util for tests",
    ),
    TrimRule(
        name="interactive-help",
        paths=("usr/lib/python3*/pydoc_data/topics.py",),
        reason="texts of help('if') at the prompt",
        proof="only pydoc imports it, when asked for a topic, and says so where it is missing",
    ),
    TrimRule(
        name="certificate-sources",
        paths=("usr/share/ca-certificates/**",),
        reason="single certificates, of which /etc/ssl/certs/ca-certificates.crt is made",
        proof="only update-ca-certificates reads them; OpenSSL and its users read the bundle",
        unless=frozenset({"openssl"}),
    ),
    TrimRule(
        name="administration",
        paths=(
            "usr/bin/localedef",
            "usr/bin/tzselect",
            "usr/bin/ldd",
            "usr/sbin/iconvconfig",
            "usr/sbin/zic",
            "usr/sbin/update-ca-certificates",
        ),
        unless=frozenset({"bash", "busybox", "dash", "locales", "openssl"}),
        reason="compilers of locales, character sets and time zones, and shell scripts",
        proof="what they compile is not there, nor is a shell; with one, the rule is not applied",
    ),
)
_BY_NAME = {rule.name: rule for rule in RULES}


def rules_named(names: tuple[str, ...]) -> tuple[TrimRule, ...]:
    return tuple(_BY_NAME[name] for name in names)


def base_trimmer(names: tuple[str, ...]) -> Trimmer:
    """Give the function that tells which paths of the merged tree go, by these rules."""
    from lightship.slim import trimmer

    return trimmer((rule.files for rule in rules_named(names)), "")
