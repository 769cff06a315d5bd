"""Source distributions, synthesised: with setuptools, or with a build backend of their own."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

METADATA = "Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n"
"""Since version 2.2, what is not named as dynamic is known without running anything (PEP 643)."""

BACKEND = """\
import base64, hashlib, os, zipfile

def get_requires_for_build_wheel(config_settings=None):
    return {requires!r}

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    content = main(wheel_directory)
    name = "{name}-{version}-py3-none-any.whl"
    info = "{name}-{version}.dist-info"
    files = {{
        "{name}.py": content,
        info + "/METADATA": {metadata!r},
        info + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }}
    record = "".join(
        "%s,sha256=%s,%d\\n" % (
            path,
            base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode(),
            len(text.encode()),
        )
        for path, text in files.items()
    )
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, text in {{**files, info + "/RECORD": record + info + "/RECORD,,\\n"}}.items():
            wheel.writestr(zipfile.ZipInfo(path), text)
    return name

"""


def sdist_bytes(name: str, version: str, files: Mapping[str, str]) -> bytes:
    """A `.tar.gz` with these files in its one folder, and static metadata."""
    buffer = io.BytesIO()
    members = {"PKG-INFO": METADATA.format(name=name, version=version), **files}
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in members.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def own_backend(name: str, version: str, main: str, requires: tuple[str, ...] = ()) -> bytes:
    """A source distribution whose build calls `main(wheel_directory)`: it returns the text of its module.

    The backend asks for `requires` only when it runs.
    """
    metadata = METADATA.format(name=name, version=version)
    backend = BACKEND.format(name=name, version=version, metadata=metadata, requires=[*requires])
    return sdist_bytes(
        name,
        version,
        {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n',
            "own.py": backend + main,
        },
    )
