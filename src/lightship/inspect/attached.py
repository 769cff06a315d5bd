"""What `verify` and others read of an image's layers, as a document beside it: the layers can stay away.

It holds each layer's listing and scan, by diff ID, what the static checks asked of files besides, the files
that say what is installed, and a digest of every file that no scan has one of: with these `inspect`, `diff`
and `sbom` do without the layers. It is MessagePack, compressed with zstd. It comes from whoever can push:
it is bounded before it is decompressed, and taken for nothing but what a layer could say as well.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import zstandard

from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.decoders import from_msgpack
from lightship.digest import Digest
from lightship.errors import IntegrityError, UsageError
from lightship.events import Reporter
from lightship.fs.entries import Kind
from lightship.fs.paths import normalise
from lightship.inspect.answers import Answers, Key, NotedFiles
from lightship.inspect.contents import Contents, check_platform, open_contents
from lightship.inspect.packages import read_installed
from lightship.inspect.rules import STATIC_CHECKS
from lightship.inspect.scan import VERSION, LayerScan
from lightship.inspect.telling import LARGEST as LARGEST_TEXT
from lightship.inspect.telling import tells_packages
from lightship.oci.model import Image

MEDIA_SCAN = "application/vnd.lightship.scan.v1+zstd"
LARGEST = 16 << 20
"""Bytes of a document above which it is not fetched; that of an image of 1 GB has one or two million."""
MOST = 64 << 20
"""Bytes above which it is not decompressed."""
_WINDOW = 24
"""Logarithm of the bytes in which zstd looks for what was there before."""
_LEVEL = 9
_PIECE = 1 << 20
RULES = f"{VERSION}.3"
"""Raised, behind the scans' own version, when a document comes to hold something else."""
_NOWHERE = Path(os.devnull)
"""Stands for the folder of a layer that is elsewhere: nothing can be below it."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What a document says: layers that are elsewhere, their scans, and what was asked of their files."""

    layers: tuple[StoredLayer, ...]
    scans: tuple[LayerScan, ...]
    answers: Answers


class _Envelope(msgspec.Struct, frozen=True):
    rules: str
    body: msgspec.Raw


class _Layer(msgspec.Struct, frozen=True):
    """One layer; digests are written as RECORD has them, so that the two are compressed to one."""

    diff_id: Digest
    unpacked: int
    members: tuple[StoredMember, ...]
    scan: LayerScan
    digests: dict[int, str]
    texts: dict[int, bytes]
    asked: dict[int, bytes]
    hashes: dict[int, dict[int, bytes]]


class _Pair(msgspec.Struct, frozen=True, array_like=True):
    """Two files by layer, counted from 0, and number: whether they are the same."""

    one: tuple[int, int]
    other: tuple[int, int]
    same: bool


class _Body(msgspec.Struct, frozen=True):
    layers: tuple[_Layer, ...]
    pairs: tuple[_Pair, ...]


def make_scan(
    image: Image, *, cache: Path, reporter: Reporter, wanted: Callable[[str], bool] = tells_packages
) -> bytes:
    """Run the static checks over an image, and write down all that they read; equal layers give equal bytes.

    `wanted` says by its path of a small file that it is to be told, too.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        NetworkError: a layer cannot be fetched.
        StageError: the cache cannot be written.
        UsageError: the image has too many files, or is for a platform that is not known.

    """
    check_platform(image)
    contents = open_contents(image, cache=cache, reporter=reporter)
    noted = NotedFiles(contents.reader)
    watched = replace(contents, reader=noted)
    for check in STATIC_CHECKS:
        for _ in check(watched):
            pass
    read_installed(watched)
    _note_files(contents, noted, wanted)
    return write_scan(contents, noted.answers)


def _note_files(contents: Contents, noted: NotedFiles, wanted: Callable[[str], bool]) -> None:
    """Ask for what others than the checks read: files that are wanted, and a digest of every file."""
    for layer, scan in zip(contents.layers, contents.scans, strict=True):
        for member in layer.members:
            if member.kind is not Kind.FILE:
                continue
            if member.size <= LARGEST_TEXT and wanted(member.path):
                noted.read((layer, member))
            if member.number not in scan.digests:
                noted.digest((layer, member))


def write_scan(contents: Contents, answers: Answers) -> bytes:
    """Write the document of layers and what was asked of their files.

    Raises:
        UsageError: it would be larger than is read.

    """
    numbers = {layer.diff_id: index for index, layer in enumerate(contents.layers)}
    layers = tuple(
        _layer(layer, scan, answers) for layer, scan in zip(contents.layers, contents.scans, strict=True)
    )
    pairs = tuple(
        _Pair((numbers[one], first), (numbers[other], second), same)
        for ((one, first), (other, second)), same in sorted(answers.pairs.items())
    )
    body = msgspec.msgpack.encode(_Body(layers, pairs))
    plain = msgspec.msgpack.encode(_Envelope(RULES, msgspec.Raw(body)))
    data = _compress(plain)
    if len(plain) > MOST or len(data) > LARGEST:
        raise UsageError(
            f"the image has too many files for a scan beside it: {len(plain):,} bytes of it",
            hint="leave out --attest scan",
        )
    return data


def read_scan(data: bytes, image: Image) -> Attached:
    """Read the document of an image.

    Raises:
        IntegrityError: it is damaged, too large, of another version, or not of this image's layers.

    """
    plain = _decompress(data)
    try:
        envelope = from_msgpack(plain, _Envelope)
        if envelope.rules != RULES:
            raise _refused(f"it is of version {envelope.rules[:20]!r}, and {RULES!r} is read here")
        body = from_msgpack(bytes(envelope.body), _Body)
        layers, scans = tuple(map(_stored, body.layers)), tuple(map(_scan, body.layers))
        answers = _answers(body)
    except (msgspec.DecodeError, ValueError, LookupError, RecursionError) as error:
        raise _refused(f"it is damaged: {error}") from error
    if tuple(layer.diff_id for layer in layers) != image.config.rootfs.diff_ids:
        raise _refused("it is of other layers")
    return Attached(layers, scans, answers)


def _layer(layer: StoredLayer, scan: LayerScan, answers: Answers) -> _Layer:
    own = layer.diff_id
    hashes: dict[int, dict[int, bytes]] = {}
    for ((diff_id, number), magic), value in sorted(answers.hashes.items()):
        if diff_id == own:
            hashes.setdefault(number, {})[magic] = value
    return _Layer(
        own,
        layer.unpacked,
        layer.members,
        msgspec.structs.replace(scan, digests={}),
        {number: _text(value) for number, value in scan.digests.items()},
        _of(own, answers.texts),
        _of(own, answers.digests),
        hashes,
    )


def _of(layer: Digest, answers: dict[Key, bytes]) -> dict[int, bytes]:
    return {number: value for (diff_id, number), value in sorted(answers.items()) if diff_id == layer}


def _stored(layer: _Layer) -> StoredLayer:
    """Take a layer's listing for what unpacking could have given.

    Raises:
        IntegrityError: a path leaves the tree.
        ValueError: it could not.

    """
    numbers = [member.number for member in layer.members if member.kind is Kind.FILE]
    if len(set(numbers)) != len(numbers) or any(number < 0 for number in numbers):
        raise ValueError("two files have one number")
    if layer.unpacked < 0 or any(member.size < 0 for member in layer.members):
        raise ValueError("a size is negative")
    for member in layer.members:
        if normalise(member.path, archive=layer.diff_id) != member.path or not member.path:
            raise ValueError(f"{member.path!r} is no path of a layer")
    return StoredLayer(_NOWHERE, layer.diff_id, layer.unpacked, layer.members)


def _scan(layer: _Layer) -> LayerScan:
    digests = {number: _bytes(text) for number, text in layer.digests.items()}
    return msgspec.structs.replace(layer.scan, digests=digests)


def _answers(body: _Body) -> Answers:
    answers = Answers()
    for layer in body.layers:
        answers.texts.update({(layer.diff_id, number): text for number, text in layer.texts.items()})
        answers.digests.update({(layer.diff_id, number): value for number, value in layer.asked.items()})
        for number, found in layer.hashes.items():
            answers.hashes.update({((layer.diff_id, number), magic): hash_ for magic, hash_ in found.items()})
    diff_ids = [layer.diff_id for layer in body.layers]
    for pair in body.pairs:
        one, other = ((diff_ids[layer], number) for layer, number in (pair.one, pair.other))
        answers.pairs[one, other] = pair.same
    return answers


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _compress(data: bytes) -> bytes:
    """Compress on one thread, as the number of threads changes the bytes."""
    found = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=_WINDOW, write_checksum=True)
    return zstandard.ZstdCompressor(compression_params=found).compress(data)


def _decompress(data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise _refused(f"it has {len(data):,} bytes, and {LARGEST:,} are the most")
    reader = zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW).stream_reader(data)
    plain = bytearray()
    try:
        while len(plain) <= MOST and (piece := reader.read(_PIECE)):
            plain += piece
    except zstandard.ZstdError as error:
        raise _refused(f"it does not decompress: {error}") from error
    if len(plain) > MOST:
        raise _refused(f"it decompresses to more than {MOST:,} bytes")
    return bytes(plain)


def _refused(why: str) -> IntegrityError:
    return IntegrityError(why, hint="attach it again: `lightship push --attest scan`")
