"""The Python distributions of an image, as their metadata tells of them (PyPA core metadata)."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

from msgspec.structs import replace
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lightship.attest.licences import python_licences
from lightship.attest.model import PYTHON, Package
from lightship.attest.names import python_ref
from lightship.attest.scan import Documents
from lightship.inspect.markers import marker_environment


@dataclass(frozen=True, slots=True)
class _Distribution:
    package: Package
    requires: tuple[Requirement, ...]
    environment: Mapping[str, str]


def read_distributions(documents: Documents, machine: str) -> tuple[Package, ...]:
    """Read every distribution, with what it requires of those that are there; `machine` as `uname -m` says.

    Installed in several places, it is one package with several places.
    """
    found = [each for path in documents.metadata() for each in _read(documents, path, machine)]
    requires = _requirements(found)
    merged: dict[str, Package] = {}
    for each in found:
        package = each.package
        known = merged.get(package.ref)
        places = (*(known.places if known else ()), *package.places)
        needs = tuple(sorted(requires[package.ref]))
        merged[package.ref] = replace(known or package, places=places, requires=needs)
    return tuple(merged.values())


def _read(documents: Documents, path: str, machine: str) -> Iterator[_Distribution]:
    fields = HeaderParser().parsestr(documents.text(path))
    name, version = str(fields.get("Name", "")), str(fields.get("Version", ""))
    if not name or not version:
        return  # not what its name says
    folder = posixpath.dirname(path) if path.endswith(("/METADATA", "/PKG-INFO")) else path
    package = Package(
        kind=PYTHON,
        name=name,
        version=version,
        ref=python_ref(name, version),
        summary=str(fields.get("Summary", "")),
        licences=_licences(fields),
        places=(path,),
        record=documents.text(f"{folder}/RECORD"),
    )
    yield _Distribution(package, tuple(_requires(fields)), marker_environment(folder, machine))


def _licences(fields: Message) -> tuple[str, ...]:
    classifiers = [str(value) for value in fields.get_all("Classifier", [])]
    return python_licences(
        str(fields.get("License-Expression", "")), str(fields.get("License", "")), classifiers
    )


def _requires(fields: Message) -> Iterator[Requirement]:
    for text in fields.get_all("Requires-Dist", []):
        try:
            yield Requirement(str(text))
        except InvalidRequirement:
            continue  # old distributions have forms that no installer heeds any more


def _requirements(found: list[_Distribution]) -> dict[str, set[str]]:
    """Say what each distribution requires of the others, with the extras that any of them asks for."""
    there = {canonicalize_name(each.package.name): each for each in found}
    needs: dict[str, set[str]] = defaultdict(set)
    todo = [(each, "") for each in found]
    done: set[tuple[str, str]] = set()
    while todo:
        each, extra = todo.pop()
        key = (each.package.ref, extra)
        if key in done:
            continue
        done.add(key)
        environment = {**each.environment, "extra": extra}
        for wanted in each.requires:
            other = there.get(canonicalize_name(wanted.name))
            if other is None or (wanted.marker is not None and not wanted.marker.evaluate(environment)):
                continue
            needs[each.package.ref].add(other.package.ref)
            todo += [(other, name) for name in wanted.extras]
    for ref, refs in needs.items():
        refs.discard(ref)
    return needs
