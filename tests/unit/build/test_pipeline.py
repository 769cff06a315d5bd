from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from lightship.build.cache import Memo
from lightship.build.image import Built
from lightship.digest import Digest
from lightship.errors import IntegrityError, StageError
from lightship.events import SilentReporter, SilentTask, Task
from lightship.oci.layout import Layout
from lightship.oci.record import Compression, LayerRecord
from lightship.oci.validate import layout_problems, validate
from lightship.plan.model import layer_key
from lightship.project.start import Start
from tests.support.archives import plain
from tests.support.estargz import PREFETCH, check
from tests.support.projects import CONFIG, TEXT, Workshop
from tests.support.wheels import Packed, wheel_bytes

TITLES = ["base", "environment", "python", "python", "models", "application"]
SITE = "opt/venv/lib/python3.11/site-packages"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def made(built: Built) -> list[str]:
    return [layer.title.partition(":")[0] for layer in built.layers if layer.made]


def blob(workshop: Workshop, built: Built, number: int) -> Path:
    return workshop.home.images.blob_path(built.layers[number].record.descriptor.digest)


def members(workshop: Workshop, built: Built) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for number in range(len(built.layers)):
        data = plain(blob(workshop, built, number).read_bytes(), workshop.compression)
        with tarfile.open(fileobj=BytesIO(data)) as tar:
            found |= {member.name: member for member in tar.getmembers()}
    return found


@pytest.mark.parametrize("compression", Compression)
def test_an_image_with_every_kind_of_layer_is_valid(workshop: Workshop, compression: Compression) -> None:
    workshop.compression = compression
    built = workshop.build()
    validate(workshop.home.images.image(built.descriptor))
    assert layout_problems(workshop.home.images) == []
    assert made(built) == TITLES


def test_the_image_holds_what_was_planned(workshop: Workshop) -> None:
    found = members(workshop, workshop.build())
    assert found["usr/lib/base.txt"].isfile()
    assert found["opt/venv/bin/python"].linkname == "/usr/bin/python3.11"
    assert found["opt/venv/bin/demo"].mode == found["opt/venv/bin/helper"].mode == 0o755
    assert found["opt/venv/pyvenv.cfg"].isfile()
    assert found[f"{SITE}/demo/table.txt"].size == len(TEXT)
    assert found["app/app/main.py"].mode == 0o644
    assert found["app/app/run.sh"].mode == 0o755
    assert found["app/app/link"].linkname == "main.py"
    assert found["app/models/m.bin"].size == len(TEXT)
    assert all((member.uid, member.gid) == (0, 0) for member in found.values())


def test_sizes_are_those_of_the_layers(workshop: Workshop) -> None:
    built = workshop.build()
    image = workshop.home.images.image(built.descriptor)
    assert built.compressed == built.added == sum(layer.size for layer in image.manifest.layers)
    assert built.unpacked == sum(len(plain(blob(workshop, built, n).read_bytes())) for n in range(6))
    assert workshop.build().added == 0


def test_a_second_build_makes_and_fetches_nothing(workshop: Workshop) -> None:
    first = workshop.build()
    workshop.fetched.clear()
    second = workshop.build()
    assert second.descriptor == first.descriptor
    assert (made(second), workshop.fetched) == ([], [])


def test_a_change_of_the_application_makes_one_layer_and_fetches_nothing(workshop: Workshop) -> None:
    first = workshop.build()
    workshop.fetched.clear()
    workshop.write("app/main.py", b"changed")
    second = workshop.build()
    assert (made(second), workshop.fetched) == (["application"], [])
    assert [layer.record for layer in second.layers[:-1]] == [layer.record for layer in first.layers[:-1]]
    assert second.descriptor.digest != first.descriptor.digest


def test_one_more_wheel_makes_one_layer(workshop: Workshop) -> None:
    workshop.build()
    workshop.fetched.clear()
    workshop.add("extra", wheel_bytes("extra", "1.0", {"extra.py": b""}))
    built = workshop.build()
    assert made(built) == ["python"]
    assert "extra" in workshop.fetched


def test_a_recorded_start_orders_the_layers_that_it_reads_from_in_estargz_alone(workshop: Workshop) -> None:
    start = Start("3.11", {"demo": "1.0", "other": "1.0"}, opened={"amd64": {"demo": ("demo/table.txt",)}})
    workshop.build()
    builder = changed(workshop.builder(), start=start)
    assert made(builder.build(workshop.plan(), workshop.project)) == []
    workshop.compression = Compression.ESTARGZ
    assert made(workshop.build()) == TITLES
    lazy = changed(builder, compression=Compression.ESTARGZ)
    assert lazy.known(workshop.plan()).count(None) == 3
    built = lazy.build(workshop.plan(), workshop.project)
    assert made(built) == ["base", "environment", "python"]
    fronts = [front(blob(workshop, built, number).read_bytes()) for number in range(6)]
    assert [names for names in fronts if names] == [["opt/venv/pyvenv.cfg"], [f"{SITE}/demo/table.txt"]]


def front(blob: bytes) -> list[str]:
    """Names of the files that come before the landmark of a layer."""
    names = [entry["name"] for entry in check(blob).entries if entry["type"] == "reg"]
    return names[: names.index(PREFETCH)] if PREFETCH in names else []


def test_a_wheels_layer_is_the_same_in_every_image(workshop: Workshop, tmp_path: Path) -> None:
    first = workshop.build()
    second = Workshop(tmp_path / "second").build(
        changed(CONFIG, name="another", command=("x",), workdir="/srv")
    )
    assert first.layers[2:4] == second.layers[2:4]
    assert first.descriptor.digest != second.descriptor.digest


@pytest.mark.parametrize("number", range(6))
def test_a_removed_blob_is_made_again(workshop: Workshop, number: int) -> None:
    first = workshop.build()
    path = blob(workshop, first, number)
    data = path.read_bytes()
    path.unlink()
    second = workshop.build()
    assert made(second) == [TITLES[number]]
    assert second.descriptor == first.descriptor
    assert path.read_bytes() == data


def test_a_truncated_blob_is_made_again(workshop: Workshop) -> None:
    first = workshop.build()
    path = blob(workshop, first, 2)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert made(workshop.build()) == ["python"]
    assert path.read_bytes() == data


def test_a_damaged_record_is_as_good_as_none(workshop: Workshop) -> None:
    first = workshop.build()
    for path in (workshop.home.cache / "layers").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\xc1 damaged")
    second = workshop.build()
    assert (made(second), second.descriptor) == (TITLES, first.descriptor)


def test_an_emptied_cache_changes_no_digest(workshop: Workshop) -> None:
    first = workshop.build()
    shutil.rmtree(workshop.home.cache)
    assert workshop.build().descriptor == first.descriptor


def leftovers(workshop: Workshop) -> list[Path]:
    return list(workshop.home.images.path.rglob(".tmp-*"))


def damaged_wheels() -> dict[str, tuple[bytes, str]]:
    files = {"bad.py": b"x = 1\n", "bad.bin": TEXT}
    whole = bytearray(wheel_bytes("bad", "1.0", files))
    flipped = bytearray(whole)
    flipped[flipped.index(b"bad.bin") + 7 + 200] ^= 0xFF
    stored = bytearray(wheel_bytes("bad", "1.0", {"bad.bin": Packed(TEXT, stored=True)}))
    stored[stored.index(b"line 4000")] ^= 0xFF
    return {
        "truncated": (bytes(whole[:-30]), "not a wheel"),
        "flipped": (bytes(flipped), "bad.bin is damaged"),
        "stored": (bytes(stored), "bad.bin is damaged"),
        "record": (wheel_bytes("bad", "1.0", files, record="bad.bin,sha256=AAAA,3\n"), "digest in RECORD"),
        "format": (wheel_bytes("bad", "1.0", files, wheel_version="2.0"), "wheel format 2.0"),
        "empty": (b"", "not a wheel"),
    }


@pytest.mark.parametrize("kind", damaged_wheels())
@pytest.mark.parametrize("compression", Compression)
def test_a_damaged_wheel_stops_the_build_and_leaves_nothing_half_written(
    workshop: Workshop, kind: str, compression: Compression
) -> None:
    data, message = damaged_wheels()[kind]
    workshop.compression = compression
    good = workshop.build()
    workshop.add("bad", data)
    before = sorted(workshop.home.images.blobs.iterdir())
    with pytest.raises(IntegrityError) as error:
        workshop.build()
    assert message in error.value.message
    assert error.value.where == "bad-1.0-py3-none-any.whl"
    assert error.value.hint
    assert leftovers(workshop) == []
    # "other" shares no bucket with "bad", so nothing new could be finished.
    assert sorted(workshop.home.images.blobs.iterdir()) == before
    workshop.wheels = workshop.wheels[:-1]
    assert workshop.build().descriptor == good.descriptor


def test_layers_that_were_finished_before_an_error_are_kept(workshop: Workshop) -> None:
    workshop.add("bad", b"no wheel")
    with pytest.raises(IntegrityError):
        workshop.build()
    workshop.wheels = workshop.wheels[:-1]
    workshop.fetched.clear()
    built = workshop.build()
    validate(workshop.home.images.image(built.descriptor))
    assert len(made(built)) < len(TITLES)


def test_a_file_that_changes_while_the_image_is_built_is_an_error(workshop: Workshop) -> None:
    plan = workshop.plan()
    workshop.write("app/main.py", b"MAIN")
    with pytest.raises(StageError, match="changed while the image was built") as error:
        workshop.builder().build(plan, workshop.project)
    assert error.value.where.endswith("app/main.py")
    assert leftovers(workshop) == []


@pytest.mark.parametrize("data", [b"m", b"longer than it was"])
def test_a_file_that_changes_its_size_is_an_error(workshop: Workshop, data: bytes) -> None:
    plan = workshop.plan()
    workshop.write("app/main.py", data)
    with pytest.raises(StageError):
        workshop.builder().build(plan, workshop.project)


def test_of_two_wheels_that_write_one_path_the_later_one_wins(workshop: Workshop) -> None:
    for name in ("aaa", "bbb"):
        data = wheel_bytes(name, "1.0", {"shared/file.txt": name.encode(), f"{name}.py": b""})
        workshop.add(name, data)
    layer = workshop.plan().layers[2]
    together = changed(layer, wheels=workshop.wheels[2:])
    plan = changed(workshop.plan(), layers=(together,))
    built = workshop.builder().build(plan, workshop.project)
    with tarfile.open(fileobj=BytesIO(plain(blob(workshop, built, 0).read_bytes()))) as tar:
        names = tar.getnames()
        stream = tar.extractfile(f"{SITE}/shared/file.txt")
        assert stream is not None
        assert stream.read() == b"bbb"
    assert names.count(f"{SITE}/shared/file.txt") == 1
    assert len(names) == len(set(names))


def test_a_path_that_is_a_file_in_one_wheel_and_a_folder_in_another_is_refused(workshop: Workshop) -> None:
    workshop.add("aaa", wheel_bytes("aaa", "1.0", {"shared": b""}))
    workshop.add("bbb", wheel_bytes("bbb", "1.0", {"shared/file.txt": b""}))
    together = changed(workshop.plan().layers[2], wheels=workshop.wheels[2:])
    with pytest.raises(IntegrityError, match="both a file and a folder") as error:
        workshop.builder().build(changed(workshop.plan(), layers=(together,)), workshop.project)
    assert error.value.hint


def test_two_layers_of_the_same_files_are_made_once(workshop: Workshop) -> None:
    plan = workshop.plan()
    doubled = changed(plan, layers=(plan.layers[-1], changed(plan.layers[-1], what="models")))
    built = workshop.builder().build(doubled, workshop.project)
    assert built.layers[0].record == built.layers[1].record


def test_the_time_of_creation_is_written_where_readers_look(workshop: Workshop) -> None:
    workshop.created = "2020-02-02T02:02:02Z"
    config = workshop.home.images.image(workshop.build().descriptor).config
    assert config.created == "2020-02-02T02:02:02Z"
    assert {item.created for item in config.history} == {"2020-02-02T02:02:02Z"}
    assert [item.created_by for item in config.history][1].startswith("lightship: environment")


def test_progress_adds_up_to_what_was_announced(workshop: Workshop) -> None:
    class Counting(SilentReporter):
        total, done = 0, 0

        def task(self, label: str, total: int | None = None, *, unit: str = "B") -> Task:  # noqa: ARG002
            reporter.total += total or 0
            return Advancing()

    class Advancing(SilentTask):
        def advance(self, amount: int) -> None:
            reporter.done += amount

    reporter = Counting()
    workshop.reporter = reporter
    workshop.build()
    assert reporter.total == reporter.done > 0


def test_a_key_leads_to_its_record(workshop: Workshop) -> None:
    built = workshop.build()
    key = layer_key(workshop.plan().layers[0], Compression.GZIP)
    record = Memo(workshop.home.cache / "layers").get(key, LayerRecord)
    assert record == built.layers[0].record
    assert record is not None
    assert record.descriptor.media_type == Compression.GZIP.media_type


def test_the_same_project_is_the_same_image_in_another_home_and_folder(
    workshop: Workshop, tmp_path: Path
) -> None:
    assert Workshop(tmp_path / "elsewhere" / "deep").build().descriptor == workshop.build().descriptor


PROGRAM = """
import sys
from pathlib import Path
from tests.support.projects import Workshop
print(Workshop(Path(sys.argv[1]), store=Path(sys.argv[2])).build().descriptor.digest)
"""


def in_process(root: Path, store: Path, umask: int = 0o022, **environ: str) -> subprocess.Popen[str]:
    place = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, root, store],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{place}:{place}/src", **environ},
        cwd=place,
        umask=umask,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.strip()


def test_umask_hash_seed_time_zone_and_locale_change_nothing(workshop: Workshop, tmp_path: Path) -> None:
    strange = {"PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONUTF8": "0"}
    process = in_process(tmp_path / "other", tmp_path / "home", umask=0o077, **strange)
    assert said(process) == workshop.build().descriptor.digest
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "home/data/images/blobs").rglob("*/*")}
    assert modes == {0o644}


def test_processes_share_a_home(workshop: Workshop, tmp_path: Path) -> None:
    workshop.store = tmp_path / "shared"
    processes = [in_process(tmp_path / str(number), workshop.store) for number in range(3)]
    digests = {said(process) for process in processes}
    assert layout_problems(workshop.home.images) == []
    assert leftovers(workshop) == []
    built = workshop.build()
    assert (digests, made(built)) == ({built.descriptor.digest}, [])


def test_threads_share_a_home(workshop: Workshop) -> None:
    builders = [workshop.builder() for _ in range(4)]
    plan = workshop.plan()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda builder: builder.build(plan, workshop.project).descriptor, builders))
    assert found == [found[0]] * 4
    validate(workshop.home.images.image(found[0]))


def test_tags_move(workshop: Workshop) -> None:
    images: Layout = workshop.home.images
    first = workshop.build().descriptor
    images.tag("demo:cpu", first)
    workshop.write("app/main.py", b"changed")
    second = workshop.build().descriptor
    images.tag("demo:cpu", second)
    images.tag("demo:old", first)
    digests: dict[str, Digest] = {name: item.digest for name, item in images.names().items()}
    assert digests == {"demo:cpu": second.digest, "demo:old": first.digest}
    assert layout_problems(images) == []
