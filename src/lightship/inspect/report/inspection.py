"""Puts the account of an image together, from its layers' listings and the packages' own records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from lightship.events import Reporter
from lightship.inspect.report import debs as debian
from lightship.inspect.report import dists as python
from lightship.inspect.report.copies import find_copies
from lightship.inspect.report.debs import Deb
from lightship.inspect.report.dists import Asked, Dist
from lightship.inspect.report.layers import layer_facts
from lightship.inspect.report.model import FileFacts, Inspection, Waste
from lightship.inspect.report.needs import library_needs, read_elves
from lightship.inspect.report.owners import assign
from lightship.inspect.report.parts import make_parts, summarise
from lightship.inspect.report.surface import Surface, read_surface
from lightship.inspect.seeing import Seen, look
from lightship.oci.model import Image


def inspect_image(
    name: str,
    image: Image,
    *,
    cache: Path,
    reporter: Reporter,
    asked: Mapping[str, Asked] | None = None,
    full: bool = False,
) -> Inspection:
    """Account for every byte of an image.

    Args:
        name: what the image is called.
        image: the image; layers that the cache does not have are read, from wherever they are, unless
            something in a registry tells of them.
        cache: where unpacked layers and scans are kept.
        reporter: is told what goes on.
        asked: requirements that are known, by normalised name; without them, installers' marks count.
        full: whether to read all layers, whatever tells of them.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """
    return look(
        image,
        lambda seen: inspect_seen(name, image, seen, asked=asked),
        cache=cache,
        reporter=reporter,
        full=full,
    )


def inspect_seen(
    name: str, image: Image, seen: Seen, *, asked: Mapping[str, Asked] | None = None
) -> Inspection:
    """Account for an image by what is known of it, as `inspect_image` does.

    Raises:
        UntoldError: not enough is known.

    """
    surface = read_surface(seen)
    packages = _Packages.read(surface)
    workdir = image.config.config.working_dir.strip("/")
    ownership = assign(surface.files, packages.debs, packages.dists, workdir)
    needs = packages.needs(asked or {}, image.config.platform.machine)
    for user, libraries in library_needs(surface, read_elves(surface), ownership.of).items():
        needs.setdefault(user, set()).update(libraries)
    parts = make_parts(surface.files, ownership, needs, packages.asked(asked or {}))
    files = (FileFacts(item.path, item.size, item.layer, ownership.of[item.path]) for item in surface.files)
    layers = layer_facts(image, surface, ownership.of)
    visible, hidden = sum(item.size for item in surface.files), sum(item.size for item in surface.hidden)
    unpacked = sum(layer.unpacked for layer in layers)
    return Inspection(
        name=name,
        digest=image.descriptor.digest,
        platform=str(image.config.platform),
        created=image.config.created,
        unpacked=unpacked,
        compressed=sum(layer.compressed for layer in layers),
        visible=visible,
        hidden=hidden,
        overhead=unpacked - visible - hidden,
        groups=summarise(parts),
        parts=parts,
        layers=layers,
        files=tuple(sorted(files, key=lambda item: (-item.size, item.path))),
        waste=_waste(surface, hidden),
        basis=seen.basis,
    )


def _waste(surface: Surface, hidden: int) -> Waste:
    files = sorted(surface.hidden, key=lambda item: (-item.size, item.path, item.layer))
    return Waste(hidden, tuple(files), find_copies(surface))


@dataclass(frozen=True, slots=True)
class _Packages:
    """What the image's own records say is installed, by the ids of the parts."""

    debs: dict[str, Deb]
    dists: dict[str, Dist]

    @staticmethod
    def read(surface: Surface) -> _Packages:
        debs = debian.read_debs(surface.tree)
        claimed = {path for deb in debs for path in deb.paths}
        found = python.read_dists(surface.tree, (placed.path for placed in surface.files))
        dists = [dist for dist in found if f"{dist.info}/METADATA" not in claimed]
        return _Packages(_named_debs(debs), _named_dists(dists))

    def needs(self, asked: Mapping[str, Asked], machine: str) -> dict[str, set[str]]:
        names = {deb.name: identity for identity, deb in reversed(self.debs.items())}
        infos = {dist.info: identity for identity, dist in self.dists.items()}
        between_debs = debian.requirements(self.debs.values())
        between_dists = python.requirements(self.dists.values(), asked, machine)
        return {
            identity: {names[name] for name in between_debs[deb.name]} for identity, deb in self.debs.items()
        } | {infos[info]: {infos[target] for target in targets} for info, targets in between_dists.items()}

    def asked(self, asked: Mapping[str, Asked]) -> dict[str, str]:
        """Say by id where a distribution is asked for; else which ones an installer was told to install."""
        known = {key: asked[dist.key].where for key, dist in self.dists.items() if dist.key in asked}
        return known or {key: "its REQUESTED file" for key, dist in self.dists.items() if dist.requested}


def _named_debs(debs: Collection[Deb]) -> dict[str, Deb]:
    """Give ids; a package that is installed for two architectures has both in them."""
    counts = Counter(deb.name for deb in debs)
    return {
        f"debian:{deb.name}" + (f":{deb.architecture}" if counts[deb.name] > 1 else ""): deb for deb in debs
    }


def _named_dists(dists: Collection[Dist]) -> dict[str, Dist]:
    """Give ids; a distribution that is installed in several folders has them in its ids."""
    counts = Counter(dist.key for dist in dists)
    return {
        f"python:{dist.key}" + (f"@/{dist.folder}" if counts[dist.key] > 1 else ""): dist for dist in dists
    }
