"""Whatever bytes come, the reader gives members of the tree, or says what is wrong."""

from __future__ import annotations

import io
import tarfile

from hypothesis import example, given
from hypothesis import strategies as st

from lightship.errors import IntegrityError
from lightship.fs.entries import Kind
from lightship.fs.untar import read_tar
from lightship.oci.overlay import Overlay
from tests.support.tars import folder, link, member, tar_of

NAMES = st.text(st.sampled_from("ab./\\ä"), min_size=1, max_size=12)
MEMBERS = st.one_of(
    st.builds(member, NAMES, st.binary(max_size=1500)),
    st.builds(folder, NAMES),
    st.builds(link, NAMES, NAMES),
    st.builds(link, NAMES, NAMES, kind=st.just(tarfile.LNKTYPE)),
)


@given(st.lists(MEMBERS, max_size=6), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_every_path_stays_in_the_tree(members: list[tuple[tarfile.TarInfo, bytes]], form: int) -> None:
    tree: Overlay[None] = Overlay()
    try:
        for item in read_tar([tar_of(*members, form=form)], archive="x"):
            place = tree.place(item.path, item.kind, item.target, None)
            for path in (place.path, place.target, *place.removed, *place.created):
                assert not path.startswith("/")
                assert not {"..", "."} & set(path.split("/"))
    except IntegrityError:
        return


@given(
    st.lists(st.tuples(st.text("abcä", min_size=1, max_size=150), st.binary(max_size=2000)), max_size=5),
    st.integers(1, 3000),
)
def test_what_tarfile_writes_is_read_back(files: list[tuple[str, bytes]], size: int) -> None:
    data = tar_of(*(member(name, content) for name, content in files))
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    found = [(item.path, b"".join(item.chunks())) for item in read_tar(pieces, archive="x")]
    assert found == files


@given(st.binary(max_size=2048), st.integers(0, 3000), st.binary(min_size=1, max_size=40))
@example(b"", 0, b"\0")
def test_damage_is_an_error_or_still_an_archive(noise: bytes, at: int, patch: bytes) -> None:
    good = tar_of(member("a", b"x" * 700), link("b", "a"), member("n" * 150))
    for data in (noise, good[:at] + patch + good[at + len(patch) :], good[:at]):
        try:
            for item in read_tar(iter([data]), archive="x"):
                assert item.kind in Kind
                assert len(b"".join(item.chunks())) == item.size
        except IntegrityError as error:
            assert error.where == "x"  # noqa: PT017 - no error is as good as this one


def test_the_reader_agrees_with_tarfile_about_a_real_tree() -> None:
    data = tar_of(folder("a"), member("a/b", b"1"), link("a/c", "b"), form=tarfile.GNU_FORMAT)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [(item.name, item.size, item.linkname) for item in archive]
    assert [(item.path, item.size, item.target) for item in read_tar([data], archive="x")] == expected
