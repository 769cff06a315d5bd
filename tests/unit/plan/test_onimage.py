from __future__ import annotations

from msgspec.structs import replace

from lightship.debs.model import InstalledDeb, LockedDeb
from lightship.digest import Digest
from lightship.oci.model import MEDIA_LAYER_GZIP, Descriptor, Execution
from lightship.oci.record import Compression, LayerRecord
from lightship.plan.base import GLIBC, BaseFacts, BaseImage, BaseSummary, Interpreter, SizedFile
from lightship.plan.model import EnvironmentLayer, FilesLayer, ImageLayer, PackagesLayer, Plan, layer_key
from lightship.plan.planner import Files, Selection, make_plan, with_built
from lightship.platform import Platform
from lightship.project.config import Config
from lightship.project.sources import SourceFile
from lightship.wheels.model import LockedSdist, LockedWheel, SourceBuild

FILE = SourceFile("app.py", size=3, digest="sha256:" + "3" * 64)
DEB = LockedDeb("libpq5", "15", "amd64", "pool/a.deb", 100, "1" * 64)
LOCK, DIGEST = Digest("sha256:" + "0" * 64), Digest("sha256:" + "d" * 64)


def record(number: int) -> LayerRecord:
    blob = Descriptor(MEDIA_LAYER_GZIP, Digest(f"sha256:{number:064}"), 100 * number)
    return LayerRecord(blob, Digest(f"sha256:{number + 50:064}"), 1000 * number)


def wheel(name: str, version: str = "1.0", size: int = 1000) -> LockedWheel:
    return LockedWheel(name, version, f"{name}-{version}-py3-none-any.whl", "https://x", "2" * 64, size)


FACTS = BaseFacts(
    libc=GLIBC,
    glibc=(2, 36),
    users="root:x:0:0::/root:/bin/sh\nappuser:x:7:7::/:/bin/sh\nother:x:5:5::/:/bin/sh\n",
    groups="root:x:0:\n",
    packages=(InstalledDeb("libc6", "2.36", "amd64"), InstalledDeb("g++", "12", "amd64")),
    cached=(("libz.so.1", "/lib/libz.so.1"),),
)
BASE = BaseImage(
    "oci:base",
    DIGEST,
    "amd64",
    (record(1), record(2)),
    Execution(
        user="base",
        env=("PATH=/usr/local/bin:/bin", "LANG=de_DE.UTF-8", "NVIDIA_VISIBLE_DEVICES=0", "KEPT=1"),
        entrypoint=("/entry",),
        labels={"org.opencontainers.image.version": "9", "io.lightship.lock": "x", "team": "base"},
    ),
    FACTS,
    Interpreter("/usr/local/bin/python3.11", "3.11.9"),
)
CONFIG = Config(name="demo", command=("serve",))


def plan(config: Config = CONFIG, base: BaseImage | None = BASE, **more: tuple[object, ...]) -> Plan:
    selection = Selection(LOCK, "bookworm", "3.11", (), (wheel("a"),), base=base)
    return make_plan(config, "cpu", Platform("amd64"), replace(selection, **more), Files((FILE,)))


def variables(made: Plan) -> dict[str, str]:
    return made.execution.environment


def test_the_bases_layers_come_first_as_they_are() -> None:
    made = plan()
    assert made.layers[:2] == (
        ImageLayer("oci:base", DIGEST, record(1), 1, 2),
        ImageLayer("oci:base", DIGEST, record(2), 2, 2),
    )
    assert isinstance(made.layers[2], EnvironmentLayer)
    assert isinstance(made.layers[-1], FilesLayer)
    assert [layer.title for layer in made.layers[:2]] == [
        "base: layer 1 of 2 of oci:base",
        "base: layer 2 of 2 of oci:base",
    ]
    assert (made.layers[1].download, made.debs) == (200, ())
    assert made.base == BaseSummary("oci:base", DIGEST, "3.11.9", (2, 36), ("libc6", "g++"))


def test_packages_that_join_are_a_layer_above_the_bases() -> None:
    made = plan(debs=(DEB,))
    (packages,) = (layer for layer in made.layers if isinstance(layer, PackagesLayer))
    assert made.layers.index(packages) == 2
    assert (packages.title, packages.cached) == ("packages: Debian bookworm, libpq5", FACTS.cached)
    assert made.debs == (DEB,)
    other = replace(packages, cached=())
    assert layer_key(packages, Compression.GZIP) != layer_key(other, Compression.GZIP)


def test_the_environment_has_the_bases_python_and_accounts() -> None:
    layer = plan().layers[2]
    assert isinstance(layer, EnvironmentLayer)
    assert layer.interpreter == "/usr/local/bin/python3.11"
    assert layer.users == "root:x:0:0::/root:/bin/sh\nother:x:5:5::/:/bin/sh\n"
    assert layer.groups == "root:x:0:\n"
    plain = replace(layer, interpreter="", users="", groups="")
    assert set(plain.recipe()) == {"kind", "prefix", "python", "user", "uid", "gid", "workdir"}
    assert layer_key(layer, Compression.GZIP) != layer_key(plain, Compression.GZIP)


def test_the_bases_variables_stay_under_the_services_own() -> None:
    made = plan(replace(CONFIG, env={"KEPT": "2", "OWN": "x"}))
    assert variables(made) == {
        "PATH": "/opt/venv/bin:/usr/local/bin:/bin",
        "LANG": "de_DE.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "NVIDIA_VISIBLE_DEVICES": "0",
        "KEPT": "2",
        "OWN": "x",
    }
    assert (made.execution.user, made.execution.entrypoint) == ("1001:1001", ())
    bare = replace(BASE, execution=Execution())
    assert variables(plan(base=bare))["PATH"] == "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"


def test_labels_name_the_base_and_drop_what_it_says_of_itself() -> None:
    labels = plan(replace(CONFIG, labels={"own": "1"})).execution.labels
    assert labels == {
        "team": "base",
        "org.opencontainers.image.base.name": "oci:base",
        "org.opencontainers.image.base.digest": DIGEST,
        "org.opencontainers.image.title": "demo",
        "io.lightship.variant": "cpu",
        "io.lightship.lock": LOCK,
        "own": "1",
    }


def test_what_the_base_has_decides_on_trimming_too() -> None:
    def trimmed(base: BaseImage | None) -> bool:
        made = plan(base=base, wheels=(wheel("torch"),))
        return any("headers" in name for layer in made.layers for name in getattr(layer, "trim", ()))

    without = replace(BASE, facts=replace(FACTS, packages=()))
    assert (trimmed(without), trimmed(BASE)) == (True, False)


def test_what_is_built_joins_the_image_on_a_base() -> None:
    sdist = LockedSdist("c", "1", "c-1.tar.gz", "https://x", "4" * 64)
    made = plan(builds=(SourceBuild(sdist),))
    done = with_built(made, [wheel("c")], Config(name="demo"), None)
    assert [found.name for found in done.wheels] == ["a", "c"]
    assert done.layers[:3] == made.layers[:3]


def test_cuda_in_the_wheels_asks_for_the_driver() -> None:
    driver = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
    for made in (wheel("torch", "2.6.0+cu126"), wheel("nvidia-cublas-cu12"), wheel("nvidia-ml-py")):
        assert driver.items() <= variables(plan(base=None, wheels=(made,))).items()
    own = replace(CONFIG, env={"NVIDIA_VISIBLE_DEVICES": "1"})
    assert variables(plan(own, None, wheels=(wheel("nvidia-nccl"),)))["NVIDIA_VISIBLE_DEVICES"] == "1"
    for made in (wheel("torch", "2.6.0+cpu"), wheel("a", "1+custom")):
        assert not driver.keys() & variables(plan(base=None, wheels=(made,))).keys()


CUDA = replace(
    BASE,
    facts=replace(
        FACTS,
        cuda=(
            SizedFile("usr/lib/libcublasLt.so.12", 500_000_000),
            SizedFile("usr/lib/libcudnn.so.9", 400_000_000),
            SizedFile("usr/lib/libcufft.so.11", 200_000_000),
            SizedFile("usr/lib/libcudart.so.12", 100_000_000),
        ),
    ),
)


def test_cuda_that_is_shipped_twice_is_said() -> None:
    wheels = (wheel("nvidia-cudnn-cu12", size=600_000_000), wheel("torch", "2.6.0+cu126", 800_000_000))
    without_bytecode, note = plan(base=CUDA, wheels=wheels).notes
    assert "no bytecode" in without_bytecode
    assert note == (
        "CUDA is shipped twice: the base has 1,200 MB of its libraries (libcublasLt.so.12 500 MB, "
        "libcudnn.so.9 400 MB, libcufft.so.11 200 MB and 1 more), the wheels bring their own "
        "(torch 800 MB, nvidia-cudnn-cu12 600 MB, compressed): "
        'base = "debian:bookworm" is enough, for the driver\'s libcuda.so.1 comes from the host'
    )


def test_cuda_under_wheels_without_it_is_said() -> None:
    _, note = plan(base=CUDA).notes
    assert "the base has 1,200 MB of CUDA's libraries" in note
    assert "no wheel is built for CUDA" in note
    assert plan(Config(name="demo", bytecode="none")).notes == ()
