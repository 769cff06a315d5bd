"""A registry in this process, on loopback, after the OCI distribution specification; it can misbehave too."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lightship.digest import Digest, of_bytes
from lightship.registry.address import Repository
from tests.support.registry_documents import (
    DIGEST,
    INDEX,
    has_digest,
    named_blobs,
    named_manifests,
    page,
    read_manifest,
    referrer,
    span,
    subject_of,
)
from tests.support.registry_faults import Fault, Faults, no_faults

_NOW = 1_000.0  # what a test's clock says
_ROUTES = (
    ("blob", re.compile(rf"/v2/(.+)/blobs/({DIGEST.pattern})")),
    ("begin", re.compile(r"/v2/(.+)/blobs/uploads/()")),
    ("upload", re.compile(r"/v2/(.+)/blobs/uploads/([^/]+)")),
    ("manifest", re.compile(r"/v2/(.+)/manifests/([^/]+)")),
    ("tags", re.compile(r"/v2/(.+)/tags/(list)")),
    ("referrers", re.compile(r"/v2/(.+)/referrers/([^/]+)")),
)


@dataclass
class Asked:
    """One request: what it asked, and how many bytes came with it, so far."""

    method: str
    path: str
    headers: Message
    size: int = 0

    def __str__(self) -> str:
        return f"{self.method} {urlsplit(self.path).path}"


@dataclass
class Content:
    """One repository."""

    blobs: set[str] = field(default_factory=set)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Registry:
    """What the server holds, how it behaves, and what it was asked.

    `auth` is empty, `basic` or `token`; `users` may pull with their passwords, `writers` among them push, and
    where it is `public`, anybody may pull. For `hidden` repositories nobody gets a token. `largest` is the
    most that a request may bring, in bytes.
    """

    host: str = ""
    auth: str = ""
    users: dict[str, str] = field(default_factory=dict)
    writers: set[str] = field(default_factory=set)
    public: bool = False
    hidden: set[str] = field(default_factory=set)
    resumes: bool = True
    redirects: bool = False
    has_referrers: bool = True
    creates: bool = True
    largest: int = 1 << 40
    realm: str = ""
    faults: Faults = no_faults
    repositories: dict[str, Content] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    tokens: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def repository(self, name: str) -> Repository:
        return Repository(self.host, self.host, name)

    def content(self, name: str) -> Content:
        with self.lock:
            return self.repositories.setdefault(name, Content())

    def add_blob(self, name: str, data: bytes, digest: str = "") -> Digest:
        named = Digest(digest or of_bytes(data))
        self.blobs[named] = data
        self.content(name).blobs.add(named)
        return named

    def add_manifest(self, name: str, tag: str, media_type: str, data: bytes) -> Digest:
        digest = of_bytes(data)
        self.content(name).manifests[digest] = (media_type, data)
        self.content(name).tags[tag] = digest
        return digest

    def calls(self, method: str = "", words: str = "") -> list[Asked]:
        return [asked for asked in self.asked if asked.method.startswith(method) and words in asked.path]

    def received(self) -> int:
        """Bytes of bodies that came."""
        return sum(asked.size for asked in self.asked)


@contextmanager
def serving(context: ssl.SSLContext | None = None, **behaviour: Any) -> Iterator[Registry]:
    """Serve a registry for as long as the block runs; over TLS with a `context`."""
    registry = Registry(**behaviour)

    class Handler(_Handler):
        state = registry

    server = _Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    registry.host = f"{'localhost' if context else '127.0.0.1'}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that break are what the tests are about."""


class _HungUp(Exception):  # noqa: N818 - what a fault does
    """No answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Registry

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self.asked, self.answered = Asked(self.command, self.path, self.headers), False
        with self.state.lock:
            self.state.asked.append(self.asked)
        self.fault = self.state.faults(self.command, self.path)
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            self._misbehave()
            self._route(parts.path)
        except _HungUp:
            self.close_connection = True
        finally:
            with contextlib.suppress(OSError):
                self._drain()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names are http.server's

    def _misbehave(self) -> None:
        fault = self.fault
        if fault is Fault.TOKENS:
            self.state.tokens.clear()
        elif fault is Fault.SESSIONS:
            self.state.uploads.clear()
        elif fault is Fault.DROP:
            raise _HungUp
        elif fault in (Fault.ERROR, Fault.UNAVAILABLE):
            self._refuse(500 if fault is Fault.ERROR else 503, "UNKNOWN", "something is wrong")
        elif fault in (Fault.BUSY, Fault.BUSY_UNTIL):
            asked = "2" if fault is Fault.BUSY else formatdate(_NOW + 2, usegmt=True)
            self._refuse(429, "TOOMANYREQUESTS", "slow down", Retry_After=asked)
        elif fault is Fault.FULL and self.command in ("POST", "PATCH", "PUT"):
            self._refuse(500, "UNKNOWN", "write /var/lib/registry: no space left on device")

    def _route(self, path: str) -> None:
        if self.answered:
            return
        if path == "/token":
            self._token()
        elif path.startswith("/store/"):
            self._stored(path.removeprefix("/store/"))
        elif path == "/v2/":
            if self._allowed("", "pull"):
                self._answer(200, b"{}")
        else:
            self._in_repository(path)

    def _in_repository(self, path: str) -> None:
        for kind, pattern in _ROUTES:
            if match := pattern.fullmatch(path):
                if self._allowed(match[1], "pull" if self.command in ("GET", "HEAD") else "push"):
                    getattr(self, f"_{kind}")(match[1], match[2])
                return
        self._refuse(404, "UNSUPPORTED", "no such thing")

    # Answers

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        if self.fault is Fault.DROP_LATE:
            raise _HungUp
        if self.fault is Fault.DAMAGE:
            body = body[:-1] + bytes([body[-1] ^ 1]) if body else body
        self._drain()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.answered = True
        if self.command == "HEAD":
            return
        if self.fault is Fault.CUT_ANSWER and body:
            self.wfile.write(body[: len(body) // 2])
            raise _HungUp
        self.wfile.write(body)

    def _refuse(self, status: int, code: str, message: str, **headers: str) -> None:
        errors = {"errors": [{"code": code, "message": message, "detail": None}]}
        self.fault = None
        self._answer(status, json.dumps(errors).encode(), Content_Type="application/json", **headers)

    # Bodies

    def _chunks(self) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length") or 0) - self.asked.size
        stop = left // 2 if self.fault is Fault.CUT_UPLOAD else 0
        while left > stop:
            chunk = self.rfile.read(min(1 << 16, left - stop))
            if not chunk:
                raise _HungUp
            self.asked.size += len(chunk)
            left -= len(chunk)
            yield chunk
        if self.fault is Fault.CUT_UPLOAD and stop:
            raise _HungUp

    def _body(self) -> bytes:
        return b"".join(self._chunks())

    def _drain(self) -> None:
        """Read what nobody asked for, so that the connection can be used again."""
        self.fault, fault = None, self.fault
        for _ in self._chunks() if not self.close_connection else ():
            pass
        self.fault = fault

    # Who may

    def _allowed(self, name: str, action: str) -> bool:
        state = self.state
        given = self.headers.get("Authorization", "")
        if not state.auth or (state.auth == "basic" and state.public and action == "pull"):
            return True
        if state.auth == "basic":
            return self._basic(given, action)
        _, scopes = state.tokens.get(given.removeprefix("Bearer "), ("", ()))
        if any(_grants(scope, name, action) for scope in scopes):
            return True
        known = given.removeprefix("Bearer ") in state.tokens
        realm = state.realm or f"http://{state.host}/token"
        words = f'Bearer realm="{realm}",service="tests",scope="repository:{name}:{action}"'
        self._refuse(
            401,
            "UNAUTHORIZED",
            "authentication required",
            WWW_Authenticate=words + (',error="insufficient_scope"' if known else ""),
        )
        return False

    def _basic(self, given: str, action: str) -> bool:
        user = self._user(given)
        if not user:
            self._refuse(401, "UNAUTHORIZED", "who are you?", WWW_Authenticate='Basic realm="tests"')
            return False
        if action == "push" and user not in self.state.writers:
            self._refuse(403, "DENIED", "requested access to the resource is denied")
            return False
        return True

    def _user(self, given: str) -> str:
        if not given.startswith("Basic "):
            return ""
        user, _, password = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        return user if self.state.users.get(user) == password else ""

    def _token(self) -> None:
        state, given = self.state, self.headers.get("Authorization", "")
        scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
        if self.command == "POST":
            form = {name: values[0] for name, values in parse_qs(self._body().decode()).items()}
            scopes, user = form["scope"].split(" "), form["refresh_token"].removeprefix("refresh-")
            if user not in state.users:
                self._refuse(401, "UNAUTHORIZED", "no such refresh token")
                return
        else:
            user = self._user(given)
            if given and not user:
                self._refuse(401, "UNAUTHORIZED", "incorrect username or password")
                return
        if any(scope.split(":")[1] in state.hidden for scope in scopes):
            self._refuse(403, "DENIED", "not for you")
            return
        token = f"token-{secrets.token_hex(8)}"
        granted = tuple(self._granted(user, scope) for scope in scopes)
        with state.lock:
            state.tokens[token] = (user, granted)
        self._answer(200, json.dumps({"token": token, "expires_in": 300}).encode())

    def _granted(self, user: str, scope: str) -> str:
        kind, name, actions = scope.split(":")
        may_pull = bool(user) or self.state.public
        may = {"pull": may_pull, "push": user in self.state.writers}
        return f"{kind}:{name}:{','.join(action for action in actions.split(',') if may[action])}"

    # Blobs

    def _blob(self, name: str, digest: str) -> None:
        if digest not in self.state.content(name).blobs:
            self._missing(name, "BLOB_UNKNOWN")
        elif self.command == "DELETE":
            self.state.content(name).blobs.discard(digest)
            self._answer(202)
        elif self.state.redirects and self.command == "GET":
            port = self.state.host.rpartition(":")[2]  # another name of the same host is another origin
            self._answer(307, Location=f"http://localhost:{port}/store/{digest}?signature=secret")
        else:
            self._stored(digest)

    def _stored(self, digest: str) -> None:
        if self.path.startswith("/store/") and "Authorization" in self.headers:
            self._refuse(400, "UNSUPPORTED", "only one authentication mechanism is allowed")
            return
        data = self.state.blobs[digest]
        asked = self.headers.get("Range")
        if asked is None:
            length = {"Content_Length": str(len(data))} if self.command == "HEAD" else {}
            self._answer(200, data if self.command == "GET" else b"", Docker_Content_Digest=digest, **length)
            return
        part = span(asked, len(data))
        if part is None:
            self._refuse(416, "RANGE_INVALID", "there is nothing of that")
            return
        told = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
        self._answer(206, data[part.start : part.stop], Content_Range=told)

    def _begin(self, name: str, _: str) -> None:
        state = self.state
        known = state.content(name)
        if not (state.creates or known.blobs or known.manifests):
            self._refuse(404, "NAME_UNKNOWN", "repository name not known to registry")
            return
        mount, source = self.query.get("mount", ""), self.query.get("from", "")
        if mount in state.content(source).blobs if source else False:
            state.content(name).blobs.add(mount)
            self._answer(201, Location=f"/v2/{name}/blobs/{mount}")
            return
        if "digest" in self.query:
            self._finish(name, "", self._body())
            return
        session = secrets.token_hex(8)
        state.uploads[session] = bytearray()
        self._answer(202, Location=f"/v2/{name}/blobs/uploads/{session}", Range="0-0")

    def _upload(self, name: str, session: str) -> None:
        data = self.state.uploads.get(session)
        if data is None:
            self._refuse(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        elif self.command == "GET":
            self._session(name, session, data, 204)
        elif self.command == "DELETE":
            del self.state.uploads[session]
            self._answer(204)
        elif int(self.headers.get("Content-Length") or 0) > self.state.largest:
            self._refuse(413, "", "")
        elif not self._append(session, data):
            self._refuse(416, "RANGE_INVALID", "not where we stopped")
        elif self.command == "PATCH":
            self._session(name, session, data, 202)
        else:
            self._finish(name, session, bytes(data))

    def _append(self, session: str, data: bytearray) -> bool:
        start = (self.headers.get("Content-Range") or f"{len(data)}-").partition("-")[0]
        if int(start) != len(data):
            return False
        try:
            for chunk in self._chunks():
                data += chunk
        except _HungUp:
            if not self.state.resumes:
                self.state.uploads.pop(session, None)
            raise
        return True

    def _session(self, name: str, session: str, data: bytearray, status: int) -> None:
        location = f"/v2/{name}/blobs/uploads/{session}?at={len(data)}"
        self._answer(status, Location=location, Range=f"0-{max(len(data) - 1, 0)}")

    def _finish(self, name: str, session: str, data: bytes) -> None:
        digest = self.query.get("digest", "")
        self.state.uploads.pop(session, None)
        if not has_digest(data, digest):
            self._refuse(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            return
        self.state.add_blob(name, data, digest)
        self._answer(201, Location=f"/v2/{name}/blobs/{digest}", Docker_Content_Digest=digest)

    # Manifests

    def _manifest(self, name: str, target: str) -> None:
        content = self.state.content(name)
        if self.command == "PUT":
            self._put_manifest(name, target)
            return
        digest = content.tags.get(target, target)
        if digest not in content.manifests:
            self._missing(name, "MANIFEST_UNKNOWN")
            return
        if self.command == "DELETE":
            self._remove(content, target)
            return
        media_type, data = content.manifests[digest]
        length = {"Content_Length": str(len(data))} if self.command == "HEAD" else {}
        self._answer(
            200,
            data if self.command == "GET" else b"",
            Content_Type=media_type,
            Docker_Content_Digest=digest,
            **length,
        )

    def _remove(self, content: Content, target: str) -> None:
        """Remove a tag, or a manifest with all its tags."""
        if target not in content.tags:
            del content.manifests[target]
        content.tags = {tag: digest for tag, digest in content.tags.items() if target not in (tag, digest)}
        self._answer(202)

    def _put_manifest(self, name: str, target: str) -> None:
        content, data = self.state.content(name), self._body()
        document = read_manifest(data)
        if document is None:
            self._refuse(400, "MANIFEST_INVALID", "manifest invalid")
            return
        if ":" in target and not has_digest(data, target):
            self._refuse(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            return
        if not (
            content.blobs.issuperset(named_blobs(document))
            and content.manifests.keys() >= set(named_manifests(document))
        ):
            self._refuse(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
            return
        digest = target if ":" in target else of_bytes(data)
        content.manifests[digest] = (self.headers["Content-Type"], data)
        if ":" not in target:
            content.tags[target] = digest
        said = f"sha256:{'0' * 64}" if self.fault is Fault.DAMAGE else digest
        subject = subject_of(document)
        told = {"OCI_Subject": subject} if subject and self.state.has_referrers else {}
        where = f"/v2/{name}/manifests/{digest}"
        self._answer(201, b"", Location=where, Docker_Content_Digest=said, **told)

    def _referrers(self, name: str, digest: str) -> None:
        if not self.state.has_referrers:
            self._refuse(404, "UNSUPPORTED", "no such thing")
            return
        if not DIGEST.fullmatch(digest):
            self._refuse(400, "DIGEST_INVALID", "that is no digest")
            return
        found = [
            referrer(own, media_type, data)
            for own, (media_type, data) in self.state.content(name).manifests.items()
            if subject_of(json.loads(data)) == digest
        ]
        told, kind = {}, self.query.get("artifactType")
        if kind is not None:
            found = [item for item in found if item.get("artifactType") == kind]
            told = {"OCI_Filters_Applied": "artifactType"}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found}
        self._answer(200, json.dumps(index).encode(), Content_Type=INDEX, **told)

    def _tags(self, name: str, _: str) -> None:
        content = self.state.content(name)
        if not (content.blobs or content.manifests):
            self._refuse(404, "NAME_UNKNOWN", "repository name not known to registry")
            return
        tags, more = page(list(content.tags), self.query)
        rest = f'</v2/{name}/tags/list?n={len(tags)}&last={tags[-1]}>; rel="next"' if more else ""
        body = json.dumps({"name": name, "tags": tags}).encode()
        self._answer(200, body, **({"Link": rest} if rest else {}))

    def _missing(self, name: str, code: str) -> None:
        self._refuse(404, code, f"not here: {name}")


def _grants(scope: str, name: str, action: str) -> bool:
    kind, repository, actions = scope.split(":")
    return kind == "repository" and repository == name and action in actions.split(",")
