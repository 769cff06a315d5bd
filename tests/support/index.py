"""Package indexes of synthesised wheels, as folders and as a server on loopback."""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.support.web import Answer, body, ranged

_EXTRA = re.compile(r"extra == '(\w+)'")


def make_wheel(
    folder: Path, name: str, version: str, *, tag: str = "py3-none-any", requires: Sequence[str] = ()
) -> Path:
    """A wheel that can be resolved: it has metadata and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace('-', '_')}-{version}-{tag}.whl"
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    extras = sorted({name for need in requires for name in _EXTRA.findall(need)})
    needs = "".join(
        [f"Provides-Extra: {name}\n" for name in extras] + [f"Requires-Dist: {need}\n" for need in requires]
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def simple_index(folder: Path, *, password: str = "") -> Answer:
    """A PEP 503 index at `/simple/` of the files in `folder`, which lie at `/files/`.

    With a password, it wants that of the user `me`.
    """
    wanted = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if password and handler.headers["Authorization"] != wanted:
            body(b"", 401, WWW_Authenticate="Basic")(handler)
        elif handler.path.startswith("/simple/"):
            _page(folder, handler.path.split("/")[2])(handler)
        else:
            file = folder / handler.path.rpartition("/")[2].replace("%2B", "+")
            (ranged(file.read_bytes()) if file.is_file() else body(b"", 404))(handler)

    return answer


def _page(folder: Path, name: str) -> Answer:
    files = [path.name for path in sorted(folder.iterdir()) if _project(path.name) == name]
    links = "".join(_link(folder / file) for file in files)
    return body(links.encode(), 200 if files else 404, Content_Type="text/html")


def _link(path: Path) -> str:
    """With the digest, as indexes have it."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return f'<a href="/files/{path.name.replace("+", "%2B")}#sha256={sha256}">{path.name}</a>'


def _project(filename: str) -> str:
    return filename.partition("-")[0].lower().replace("_", "-")
