"""A project with everything that the emitted files can say; `python -m tests.support.emitted` writes them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec

from lightship.digest import Digest
from lightship.dockerfile.emit.emit import emit
from lightship.dockerfile.emit.facts import Plans
from lightship.dockerfile.emit.model import Options
from lightship.plan.model import Additions, Plan
from lightship.plan.planner import Files, Selection, make_plan
from lightship.plan.staging import StageSources, with_stages
from lightship.platform import Platform
from lightship.project.config import Config, StageConfig, TargetConfig, VariantConfig
from lightship.project.detect import Project
from lightship.project.sources import SourceFile
from lightship.project.start import Start
from lightship.project.targets import find_target
from lightship.wheels.model import LockedLibrary, LockedSdist, LockedStage, LockedWheel, SourceBuild

GOLDEN = Path(__file__).parents[1] / "data" / "emit"
OPTIONS = {
    "wheels": Options(ci="github"),
    "site-packages": Options(style="site-packages", portable=True, ci="gitlab", variants=("none",)),
    "venv": Options(style="venv", variants=("none",)),
}
PLATFORMS = (Platform("amd64"), Platform("arm64"))
CONFIG = Config(
    name="service",
    python="3.11",
    base="debian:bookworm",
    platforms=("linux/amd64", "linux/arm64"),
    variant="cu126",
    sources=("app", "wsgi.py", "gunicorn.conf.py"),
    models=("models/",),
    workdir="/srv",
    command=("gunicorn", "wsgi:app", "--access-logfile", "-"),
    ports=(8000,),
    env={"WORKERS": "4", "GREETING": 'a "quoted" $word'},
    labels={"org.example.team": "search"},
    health="http://:8000/health",
    build_packages=("libpq-dev",),
    runtime_packages=("libmagic1",),
    variants={"none": VariantConfig(torch="none"), "cu126": VariantConfig(torch="cu126")},
    targets={"development": TargetConfig(command=("gunicorn", "wsgi:app", "--reload"))},
    stages={
        "model": StageConfig(
            inputs=("export/",),
            run=("python export/run.py --out /out", "for name in a b\ndo touch /out/$name\ndone"),
            copy={"/out/model.onnx": "/srv/models/"},
            variants=("none",),
            requirements=("requirements-export.txt",),
            from_={"oci:../weights:/weights": "weights"},
        ),
        "tool": StageConfig(image="registry.example.com/tool:1", copy={"/bin/tool": "/usr/local/bin/tool"}),
    },
)
FILES = Files(
    (SourceFile("app/main.py"), SourceFile("wsgi.py"), SourceFile("gunicorn.conf.py")),
    (SourceFile("models/vocabulary.txt"),),
)
EXPORT = (SourceFile("export/run.py"),)


def wheel(name: str, version: str = "1.0", size: int = 1000, url: str = "") -> LockedWheel:
    digest = f"{sum(name.encode()):02x}" * 32
    return LockedWheel(name, version, f"{name}-{version}-py3-none-any.whl", url, digest[:64], size)


TORCH = wheel("torch", "2.7.1+cu126", 800_000_000, "https://example.com/whl/cu126/torch-2.7.1%2Bcu126.whl")
SOURCE = SourceBuild(LockedSdist("psycopg2", "2.9", "psycopg2-2.9.tar.gz", "", "5" * 64))
LIBRARY = LockedLibrary("libpq5", "libpq.so.5", "psycopg2", "_psycopg.so")
COMMON = (wheel("gunicorn"), wheel("redis"))
STARTS = {
    "none": Start(
        "3.11",
        {"gunicorn": "1.0", "psycopg2": "2.9", "redis": "1.0", "uvloop": "1.0"},
        ("json/__init__.py", "ssl.py"),
        {"gunicorn": ("gunicorn/__init__.py",), "psycopg2": ("psycopg2/__init__.py",)},
        {"amd64": {"gunicorn": ("gunicorn/__init__.py",), "psycopg2": ("psycopg2/__init__.py",)}},
    )
}
LOCKED = {
    "cu126": (TORCH, wheel("nvidia-cublas-cu12", size=500_000_000)),
    "none": (),
}


def project(folder: Path = Path("project")) -> Project:
    return Project(folder, CONFIG, None, version="2.1")


def traced() -> Project:
    """Give the project as it is where production keeps what its recorded start opened."""
    return replace(project(), config=msgspec.structs.replace(CONFIG, trim="traced"))


def plans(of: Project, variants: tuple[str, ...]) -> Plans:
    return {
        (variant, target): {platform: _plan(of, variant, target, platform) for platform in PLATFORMS}
        for variant in variants
        for target in ("production", "development")
    }


def emitted(options: Options, of: Project | None = None) -> dict[str, str]:
    of = of or project()
    return emit(of, plans(of, options.variants or ("cu126", "none")), options)


def _plan(of: Project, variant: str, target: str, platform: Platform) -> Plan:
    own = Additions(target, wheels=(wheel("pytest"),)) if target != "production" else None
    wheels = (*COMMON, *LOCKED[variant])
    if platform.architecture == "amd64":
        wheels += (wheel("uvloop"),)
    libraries: tuple[LockedLibrary, ...] = (LIBRARY, LockedLibrary("libc6", "libc.so.6", "uvloop", "loop.so"))
    libraries += (LockedLibrary("libgomp1", "libgomp.so.1", "torch", "t.so"),) if variant == "cu126" else ()
    digest = Digest("sha256:" + "0" * 64)
    stages = {
        "model": LockedStage((wheel("onnx"),), {"oci:../weights": digest}),
        "tool": LockedStage((), {"registry.example.com/tool:1": digest}),
    }
    selection = Selection(
        digest, "bookworm", "3.11", (), wheels, libraries, (SOURCE,), (), stages, additions=own
    )
    chosen = None if own is None else find_target(of, target)
    start = STARTS.get(variant)
    made = make_plan(of.config, variant, platform, selection, FILES, of.version, start=start, target=chosen)
    return with_stages(made, of.config, StageSources(stages, {"model": EXPORT}, digest, "3.11"))


def golden(options: Options) -> dict[str, str]:
    """Give the files that are looked at: programs are modules of their own."""
    return {path: text for path, text in emitted(options).items() if not path.endswith(".py")}


def main() -> None:
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for name, options in OPTIONS.items():
        for path, text in golden(options).items():
            file = GOLDEN / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


if __name__ == "__main__":
    main()
