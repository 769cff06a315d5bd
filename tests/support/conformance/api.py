"""Requests as a registry gets them, and content to send: what the conformance cases are made of."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Reply:
    """What a registry answered; `url` is what was asked."""

    url: str
    status: int
    headers: Message
    body: bytes

    @property
    def location(self) -> str:
        """Where it sends us on, absolute."""
        given = self.headers.get("Location", "")
        assert given, f"{self.url}: no Location"
        return urljoin(self.url, given)

    @property
    def length(self) -> int:
        return int(self.headers.get("Content-Length", "-1"))

    def codes(self) -> set[str]:
        """Error codes, in the form that the specification gives them."""
        return {error["code"] for error in json.loads(self.body)["errors"]}

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Api:
    """A repository of a registry on loopback, without TLS and open to everybody."""

    host: str
    name: str

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send a request to a path below the repository's, or to a whole URL."""
        url = urljoin(f"http://{self.host}/v2/{self.name}/", path)
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        try:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Reply(url, answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def beside(self, name: str) -> Api:
        return Api(self.host, f"{self.name}-{name}")

    def begin(self, query: str = "") -> Reply:
        """Open an upload."""
        return self.ask("POST", f"blobs/uploads/{query}", headers={"Content-Length": "0"})

    def send(
        self, method: str, location: str, data: bytes, *, start: int | None = None, digest: str = ""
    ) -> Reply:
        """Send bytes to an upload; from `start` on where it is given, and with the `digest` that ends it."""
        joint = "&" if urlsplit(location).query else "?"
        url = f"{location}{joint}digest={quote(digest, safe='')}" if digest else location
        headers = {"Content-Type": BYTES}
        if start is not None:
            headers["Content-Range"] = f"{start}-{start + len(data) - 1}"
        return self.ask(method, url, data, headers)

    def add_blob(self, data: bytes) -> str:
        """Store a blob, in the way that every registry must know; give its digest."""
        done = self.send("PUT", self.begin().location, data, digest=digest_of(data))
        assert done.status == 201, done
        return digest_of(data)

    def put_manifest(self, target: str, document: object) -> Reply:
        """Store a manifest or an index under a tag or a digest."""
        data = encoded(document)
        return self.ask("PUT", f"manifests/{target}", data, {"Content-Type": json.loads(data)["mediaType"]})

    def add_image(self, tag: str = "", **more: Any) -> bytes:
        """Store an image with a layer of its own, under a tag or its digest; `more` joins its manifest."""
        data = encoded(self.image(f"{tag} {sorted(more.items())}", **more))
        stored = self.put_manifest(tag or digest_of(data), data)
        assert stored.status == 201, stored
        return data

    def image(self, seed: str, **more: Any) -> dict[str, Any]:
        """Store the blobs of an image, and give its manifest."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "seed": seed}).encode()
        return {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described(CONFIG, self.stored(config)),
            "layers": [described(LAYER, self.stored(noise(200, seed)))],
            **more,
        }

    def stored(self, data: bytes) -> bytes:
        self.add_blob(data)
        return data


def described(media_type: str, data: bytes, **more: Any) -> dict[str, Any]:
    """Give the descriptor of some bytes."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


def index_of(*children: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(children), **more}


def encoded(document: object) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def noise(size: int, seed: str) -> bytes:
    """Bytes that are the same in every run, and other ones for another seed."""
    return random.Random(f"{size} {seed}").randbytes(size)  # noqa: S311 - no secret
