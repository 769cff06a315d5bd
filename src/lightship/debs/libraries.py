"""Which shared libraries the dynamic loader is to find, by the rules of ldconfig(8)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, cast

from lightship.debs.ldcache import Library, order
from lightship.debs.skeleton import merged
from lightship.debs.spool import seekable
from lightship.fs.entries import Content, Entry, Kind
from lightship.platform import Platform

_CONF = "etc/ld.so.conf"
_MACHINES = {"amd64": "EM_X86_64", "arm64": "EM_AARCH64"}


class LibraryScan:
    """Looks at the entries of a tree as they pass, and knows the libraries at the end."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._sonames: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._confs: dict[str, str] = {}

    def note(self, entry: Entry) -> None:
        """Remember an entry of the merged tree if it is a library, a link to one, or a configuration."""
        folder, name = posixpath.split(entry.path)
        if entry.path.startswith(_CONF) and entry.content is not None:
            self._confs[entry.path] = b"".join(entry.content.chunks()).decode()
        elif not name.startswith(("lib", "ld-")) or ".so" not in name:
            return
        elif entry.kind is Kind.SYMLINK:
            target = posixpath.normpath(posixpath.join("/", folder, entry.target)).lstrip("/")
            self._links[entry.path] = merged(target)
        elif entry.content is not None:
            soname = _soname(entry.content, _MACHINES[self._platform.debian])
            self._sonames |= {} if soname is None else {entry.path: soname or name}

    def libraries(self) -> list[Library]:
        """Libraries of the search path, in its order."""
        found: list[Library] = []
        seen: set[str] = set()
        for folder in self._search_path():
            real = merged(folder.strip("/"))
            if real not in seen:
                seen.add(real)
                found += [Library(soname, f"{folder}/{file}") for soname, file in self._in_folder(real)]
        return found

    def _search_path(self) -> Iterator[str]:
        """Folders of ld.so.conf, then the ones that are built into Debian's loader."""
        yield from self._configured(_CONF)
        yield from (f"/lib/{self._platform.multiarch}", f"/usr/lib/{self._platform.multiarch}")
        yield from ("/lib", "/usr/lib")

    def _configured(self, conf: str) -> Iterator[str]:
        for line in self._confs.get(conf, "").splitlines():
            words = line.partition("#")[0].split()
            if words[:1] == ["include"]:
                for pattern in words[1:]:
                    for each in sorted(self._confs):
                        if fnmatchcase(each, pattern.lstrip("/")):
                            yield from self._configured(each)
            elif words:
                yield words[0].rstrip("/")

    def _in_folder(self, folder: str) -> list[tuple[str, str]]:
        """Pairs of soname and file name; of two files with one soname, a real file, then the newer wins."""
        best: dict[str, tuple[bool, str]] = {}
        for path in sorted(self._sonames | self._links):
            parent, name = posixpath.split(path)
            target = self._target(path)
            if parent != folder or target is None:
                continue
            soname = self._sonames[target]
            is_link = path in self._links and (name == soname or _is_development_link(name, soname))
            key = name if is_link else soname
            other = best.get(key)
            if other is None or (other[0], order(name)) > (is_link, order(other[1])):
                best[key] = (is_link, name)
        return [(soname, self._file(folder, soname, name)) for soname, (_, name) in best.items()]

    def _target(self, path: str) -> str | None:
        """The library that a path leads to; links may form chains, and circles."""
        for _ in range(8):
            if path in self._sonames:
                return path
            path = self._links.get(path, "")
        return None

    def _file(self, folder: str, soname: str, name: str) -> str:
        """The soname's own link where there is one, so that the cache outlives an upgrade of the file."""
        path = f"{folder}/{soname}"
        return soname if path in self._sonames or path in self._links else name


def _is_development_link(name: str, soname: str) -> bool:
    return name.endswith(".so") and soname.startswith(name)


def _soname(content: Content, machine: str) -> str | None:
    """DT_SONAME of a shared library of this machine, `""` if it has none; None for any other file."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile

    with seekable(content) as stream:
        try:
            elf = ELFFile(stream)
            if elf["e_machine"] != machine or elf["e_type"] != "ET_DYN":
                return None
            for segment in elf.iter_segments("PT_DYNAMIC"):
                if isinstance(segment, DynamicSegment):
                    return next((str(cast(Any, tag).soname) for tag in segment.iter_tags("DT_SONAME")), "")
        except ELFError:
            return None
    return None
