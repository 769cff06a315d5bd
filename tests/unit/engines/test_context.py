from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lightship.build.images import LayoutSource
from lightship.engines.context import fill_context, pin_layout, workplace
from lightship.errors import StageError
from lightship.oci.layout import Layout
from lightship.oci.validate import validate
from lightship.project.sources import SourceFile
from tests.support.images import hello_image


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "app").mkdir(parents=True)
    for name in ("app/main.py", "app/private.py", "app/run.sh"):
        (folder / name).write_text(name)
        (folder / name).chmod(0o644)
    (folder / "app/private.py").chmod(0o600)
    (folder / "app/run.sh").chmod(0o700)
    return folder


def test_files_are_linked_and_have_the_modes_of_the_direct_engine(project: Path, tmp_path: Path) -> None:
    files = (
        SourceFile("app/main.py"),
        SourceFile("app/private.py"),
        SourceFile("app/run.sh", executable=True),
        SourceFile("app/link.py", link="main.py"),
    )
    context = tmp_path / "context"
    wheel = tmp_path / "blob"
    wheel.write_text("wheel")
    previous = os.umask(0o077)
    try:
        fill_context(context, project, files, {"docker/x.txt": "x\n"}, {"docker/lent/a.whl": wheel})
    finally:
        os.umask(previous)
    assert (context / "app/main.py").samefile(project / "app/main.py")
    assert (context / "app/link.py").readlink() == Path("main.py")
    assert (context / "docker/lent/a.whl").read_text() == "wheel"
    found = {path.relative_to(context).as_posix(): mode(path) for path in context.rglob("*")}
    assert found == {
        "app": 0o755,
        "app/link.py": 0o644,
        "app/main.py": 0o644,
        "app/private.py": 0o644,
        "app/run.sh": 0o755,
        "docker": 0o755,
        "docker/lent": 0o755,
        "docker/lent/a.whl": 0o644,
        "docker/x.txt": 0o644,
    }
    assert mode(project / "app/private.py") == 0o600
    assert (context / "docker/x.txt").stat().st_mtime == (context / "app").stat().st_mtime == 315532800


def test_what_was_emitted_hides_a_stale_file_of_the_project_and_leaves_it(
    project: Path, tmp_path: Path
) -> None:
    fill_context(tmp_path / "context", project, [SourceFile("app/main.py")], {"app/main.py": "new"}, {})
    assert (tmp_path / "context/app/main.py").read_text() == "new"
    assert (project / "app/main.py").read_text() == "app/main.py"


def test_what_cannot_be_linked_is_copied(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    fill_context(tmp_path / "context", project, [SourceFile("app/main.py")], {}, {})
    copy, source = tmp_path / "context/app/main.py", project / "app/main.py"
    assert copy.read_text() == source.read_text()
    assert copy.stat().st_mtime == int(source.stat().st_mtime)
    assert not copy.samefile(source)


def test_a_file_that_went_away_is_an_error_that_names_it(project: Path, tmp_path: Path) -> None:
    with pytest.raises(StageError) as caught:
        fill_context(tmp_path / "context", project, [SourceFile("app/gone.py")], {}, {})
    assert caught.value.where == str(project / "app/gone.py")


def test_builds_of_a_project_have_one_folder_and_builds_beside_each_other_two(tmp_path: Path) -> None:
    project, cache = tmp_path / "project", tmp_path / "cache"
    with workplace(project, cache) as first:
        assert mode(first.folder) == 0o700
        (first.folder / "left").write_text("")
        with workplace(project, cache) as beside:
            assert beside.folder != first.folder
    assert not first.folder.exists()
    assert not beside.folder.exists()
    first.folder.mkdir()
    (first.folder / "of a build that was killed").write_text("")
    with workplace(project, cache) as again:
        assert again == first
        assert list(again.folder.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_a_stage_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StageError), workplace(tmp_path, tmp_path / "cache"):
        pass


def test_a_pinned_layout_has_one_image_over_the_other_layouts_blobs(tmp_path: Path) -> None:
    source = Layout(tmp_path / "source")
    image = hello_image(source, name="hello:1")
    pinned = pin_layout(tmp_path / "layouts" / "base", image)
    found = LayoutSource(Layout(pinned.folder), "pinned").find(image.config.platform)
    assert found.descriptor.digest == pinned.digest == image.descriptor.digest
    validate(found)
    assert set(source.names()) == {"hello:1"}
