"""What an image is made of, as one frozen value: the terminal, `--json` and the page all show this.

All sizes are bytes. Parts divide the files that can be seen; layers divide the image as it is stored:
`unpacked` is `visible` + `hidden` + `overhead` (headers and padding of the layers' tars).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lightship.digest import Digest
from lightship.inspect.findings import Basis


class Group(StrEnum):
    """What kind of thing a part is."""

    APPLICATION = "application"
    PYTHON = "python-packages"
    RUNTIME = "python"
    DEBIAN = "debian-packages"
    UNOWNED = "unowned"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A package, a folder of the application, or what belongs to nobody.

    `bytecode` is the share of `size` in `.pyc` files. `total` adds all that the part requires, `frees` only
    what nothing else requires: what would go with it. `why` is the shortest chain of ids to the part, from
    one that is asked for or that nothing requires; empty for what no package brought. `asked` says where the
    requirement stands, if that is known. `layers` are the numbers of the layers that hold its files.
    """

    id: str
    group: Group
    name: str
    version: str = ""
    summary: str = ""
    place: str = ""
    size: int
    files: int
    bytecode: int = 0
    total: int
    frees: int
    asked: str = ""
    why: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    required_by: tuple[str, ...] = ()
    layers: tuple[int, ...] = ()


class LayerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A layer: `content` are the bytes of its files, as `docker history` counts them.

    `hidden` are those of them that nobody sees. `parts` are ids with their visible bytes here, largest first.
    """

    number: int
    title: str
    digest: Digest
    diff_id: Digest
    media_type: str
    compressed: int
    unpacked: int
    content: int
    files: int
    hidden: int
    whiteouts: int
    parts: tuple[tuple[str, int], ...]


class Fate(StrEnum):
    """What became of a file that cannot be seen."""

    REMOVED = "removed"
    REPLACED = "replaced"
    REPEATED = "repeated"
    """Stored again with the same content: only its mode, owner or time was changed."""


class HiddenFile(msgspec.Struct, frozen=True):
    """A file of a layer that a later one (`by`) hides."""

    path: str
    size: int
    layer: int
    fate: Fate
    by: int


class Copies(msgspec.Struct, frozen=True):
    """Files with the same content; each is `size` bytes."""

    size: int
    paths: tuple[str, ...]


class Waste(msgspec.Struct, frozen=True):
    """What is stored and serves nothing: hidden files, largest first, and copies, which may have a reason."""

    size: int
    files: tuple[HiddenFile, ...]
    copies: tuple[Copies, ...]


class FileFacts(msgspec.Struct, frozen=True):
    """A file that can be seen; hard links count once."""

    path: str
    size: int
    layer: int
    part: str


class GroupFacts(msgspec.Struct, frozen=True):
    group: Group
    size: int
    files: int
    parts: int


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """An image: groups, parts and files each largest first, layers from the bottom.

    `basis` is what all of it was read from. Tables of contents do not say which libraries a file needs.
    """

    name: str
    digest: Digest
    platform: str
    created: str
    unpacked: int
    compressed: int
    visible: int
    hidden: int
    overhead: int
    groups: tuple[GroupFacts, ...]
    parts: tuple[Part, ...]
    layers: tuple[LayerFacts, ...]
    files: tuple[FileFacts, ...]
    waste: Waste
    basis: Basis = Basis.LAYERS
