"""The Debian packages of an image, as dpkg's status and the packages' copyright files tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from debian.deb822 import Deb822
from msgspec.structs import replace

from lightship.attest.licences import debian_licences
from lightship.attest.model import DEBIAN, Package, System
from lightship.attest.names import debian_ref
from lightship.attest.scan import Documents
from lightship.debs.relations import Alternatives, parse_relations
from lightship.debs.status import is_installed, source_of
from lightship.errors import ResolutionError

_NEEDS = ("Pre-Depends", "Depends")
_HEADER = 1000
"""Characters in which a copyright file says its format."""


@dataclass(frozen=True, slots=True)
class _Installed:
    package: Package
    needs: tuple[Alternatives, ...]
    provides: tuple[str, ...]


def read_packages(documents: Documents, system: System | None) -> tuple[Package, ...]:
    """Read every installed package, with what it depends on of those that are there."""
    found: dict[str, _Installed] = {}
    for path in documents.statuses():
        for fields in Deb822.iter_paragraphs(documents.text(path), use_apt_pkg=False):
            if is_installed(fields):
                each = _installed(fields, path, documents, system)
                found.setdefault(each.package.ref, each)
    providers = _providers(found.values())
    return tuple(
        replace(each.package, requires=tuple(sorted(set(_chosen(each, found, providers)))))
        for each in found.values()
    )


def _installed(
    fields: Mapping[str, str], path: str, documents: Documents, system: System | None
) -> _Installed:
    name, version, architecture = fields["Package"], fields["Version"], fields.get("Architecture", "all")
    source, source_version = source_of(fields)
    package = Package(
        kind=DEBIAN,
        name=name,
        version=version,
        ref=debian_ref(name, version, architecture, system, source, source_version),
        architecture=architecture,
        source=source,
        source_version=source_version,
        summary=fields.get("Description", "").partition("\n")[0],
        licences=debian_licences(read_synopses(documents.text(f"usr/share/doc/{name}/copyright"))),
        places=(path,),
    )
    needs = [group for field in _NEEDS for group in _groups(fields.get(field, ""), name)]
    provides = [relation.name for group in _groups(fields.get("Provides", ""), name) for relation in group]
    return _Installed(package, tuple(needs), tuple(provides))


def _groups(text: str, name: str) -> tuple[Alternatives, ...]:
    try:
        return parse_relations(text, package=name)
    except ResolutionError:
        return ()  # no reason to say nothing of the package


def _providers(installed: Iterable[_Installed]) -> dict[str, list[str]]:
    """Say which packages stand for a name: those of that name, then those that provide it."""
    ordered = sorted(installed, key=lambda each: each.package)
    found: dict[str, list[str]] = {}
    for each in ordered:
        found.setdefault(each.package.name, []).append(each.package.ref)
    for each in ordered:
        for name in each.provides:
            found.setdefault(name, []).append(each.package.ref)
    return found


def _chosen(
    each: _Installed, found: Mapping[str, _Installed], providers: Mapping[str, list[str]]
) -> Iterator[str]:
    """Yield what holds of each group: the first alternative that is there, in a version that will do."""
    own = each.package
    for group in each.needs:
        for relation in group:
            known = [
                ref
                for ref in providers.get(relation.name, [])
                if relation.name != found[ref].package.name or relation.admits(found[ref].package.version)
            ]
            known.sort(key=lambda ref: found[ref].package.architecture not in (own.architecture, "all"))
            if known:
                if known[0] != own.ref:
                    yield known[0]
                break


def read_synopses(text: str) -> tuple[str, ...]:
    """Give the first line of the licence of every `Files` paragraph; none of a file that is no such form.

    The form is that of copyright-format 1.0, which not every package's copyright file has; `debian.copyright`
    knows it too, but logs what it does not like.
    """
    if "copyright-format" not in text[:_HEADER]:
        return ()
    paragraphs = list(Deb822.iter_paragraphs(text, use_apt_pkg=False))
    told = [fields.get("License", "") for fields in paragraphs[:1]]
    told += [fields.get("License", "") for fields in paragraphs[1:] if "Files" in fields]
    lines = (text.strip().partition("\n")[0].strip() for text in told)
    return tuple(dict.fromkeys(line for line in lines if line))
