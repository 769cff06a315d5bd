from __future__ import annotations

import tomllib
from pathlib import Path

from lightship.wheels.sizes import with_local_sizes


def lock(*wheels: str) -> str:
    listed = "".join(f"    {wheel},\n" for wheel in wheels)
    return f'lock-version = "1.0"\ncreated-by = "uv"\n\n[[packages]]\nname = "a"\nwheels = [\n{listed}]\n'


def sizes(text: str) -> list[int | None]:
    return [wheel.get("size") for wheel in tomllib.loads(with_local_sizes(text))["packages"][0]["wheels"]]


def test_wheels_from_a_folder_get_their_size(tmp_path: Path) -> None:
    path = tmp_path / "a b-1.0-py3-none-any.whl"
    path.write_bytes(b"12345")
    assert sizes(lock(f'{{ url = "{path.as_uri()}" }}')) == [5]


def test_sizes_that_are_known_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    path.write_bytes(b"12345")
    assert sizes(lock(f'{{ url = "{path.as_uri()}", size = 7 }}')) == [7]


def test_what_is_not_at_hand_has_no_size(tmp_path: Path) -> None:
    missing = (tmp_path / "missing.whl").as_uri()
    assert (
        sizes(lock('{ url = "https://h/a.whl" }', f'{{ url = "{missing}" }}', '{ path = "a.whl" }'))
        == [None] * 3
    )


def test_packages_without_wheels_stay_without() -> None:
    text = (
        'lock-version = "1.0"\n\n[[packages]]\nname = "a"\n\n[packages.sdist]\nurl = "https://h/a.tar.gz"\n'
    )
    (package,) = tomllib.loads(with_local_sizes(text))["packages"]
    assert package["sdist"] == {"url": "https://h/a.tar.gz"}


def test_all_the_rest_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    path.write_bytes(b"12345")
    text = lock(f'{{ url = "{path.as_uri()}", hashes = {{ sha256 = "ab" }} }}')
    before, after = tomllib.loads(text), tomllib.loads(with_local_sizes(text))
    assert after["packages"][0]["wheels"][0].pop("size") == 5
    assert after == before
