"""Source distributions to wheels: once each, in the builder's root, remembered by what they are made from."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightship.build.built import adopt, check_native
from lightship.build.cache import Memo
from lightship.build.confined import Confined, TimeLimitError, run_confined
from lightship.build.failure import Finder, build_failure, missing_requirements, time_limit_failure
from lightship.build.home import Home
from lightship.build.interpreter import feature_version
from lightship.build.sandbox import Volume
from lightship.build.toolchain import BUILD, ENVIRONMENT, OUT, prepare_toolchain, toolchain_digest
from lightship.debs.model import LockedDeb
from lightship.digest import Digest, of_value
from lightship.events import Reporter, Task
from lightship.fs.atomic import storage_error
from lightship.oci.unpack import remove_tree
from lightship.platform import Platform
from lightship.wheels.model import LockedArchive, LockedSdist, LockedWheel, SourceBuild
from lightship.wheels.sdist import unpack_sdist

RULES = 1
"""Part of every key: raised when wheels are built in another way."""
WORKERS = 2
"""Builds at once: most of them use several cores themselves."""
_MOST_ROUNDS = 3
_TOOLS = "/run/lightship"

FetchFiles = Callable[[Sequence[LockedArchive], Sequence[LockedDeb]], Mapping[str, Path]]
"""Bring archives to this machine: their paths, by SHA-256."""
ResolveMore = Callable[[tuple[str, ...]], tuple[LockedWheel, ...]]
"""Resolve what a build backend asks for only when it runs (PEP 517, `get_requires_for_build_wheel`)."""


@dataclass(frozen=True, slots=True)
class BuilderRoot:
    """The root that wheels are built in: its packages, of one suite, and the target that they are for."""

    packages: tuple[LockedDeb, ...]
    platform: Platform
    python_full: str
    glibc: tuple[int, int]
    suite: str = ""

    @property
    def python(self) -> str:
        return feature_version(self.python_full)


@dataclass(frozen=True, slots=True)
class Tools:
    """Programs of this machine; `uv` is the build front end, `uv_version` part of every wheel's key.

    `bwrap` is looked for only when something is built.
    """

    bwrap: Callable[[], Path]
    uv: Path
    uv_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheelhouse:
    """Builds wheels. `seconds` is each build's limit, `find` names packages that have what a build missed."""

    home: Home
    tools: Tools
    fetch: FetchFiles
    resolve: ResolveMore
    find: Finder
    reporter: Reporter
    seconds: float

    def build_all(self, builds: Sequence[SourceBuild], builder: BuilderRoot) -> tuple[LockedWheel, ...]:
        """Give the wheel of every build, in their order; those that were built before are not built again.

        Raises:
            StageError: if a build fails or takes too long; the others are ended, and what they ran too.
            UsageError: for a platform that this machine does not run, or without bubblewrap.

        """
        keys = [self.key(build, builder) for build in builds]
        wheels = {key: wheel for key in keys if (wheel := self._find(key))}
        missing = {key: build for key, build in zip(keys, builds, strict=True) if key not in wheels}
        if missing:
            wheels |= self._make_all(missing, builder)
        return tuple(wheels[key] for key in keys)

    def unbuilt(self, builds: Sequence[SourceBuild], builder: BuilderRoot) -> tuple[SourceBuild, ...]:
        """Give those that `build_all` would have to build."""
        return tuple(build for build in builds if self._find(self.key(build, builder)) is None)

    def key(self, build: SourceBuild, builder: BuilderRoot) -> Digest:
        """Digest of all that decides a wheel: source, root, build requirements, front end."""
        return of_value(
            {
                "rules": RULES,
                "sdist": build.sdist.sha256,
                "root": toolchain_digest(builder.packages, builder.platform),
                "requirements": sorted(wheel.sha256 for wheel in build.requirements),
                "front end": self.tools.uv_version,
            }
        )

    def _find(self, key: Digest) -> LockedWheel | None:
        wheel = self._memo.get(key, LockedWheel)
        if wheel is None:
            return None
        path = self.home.archives / "sha256" / wheel.sha256
        return wheel if path.is_file() and path.stat().st_size == wheel.size else None

    def _make_all(
        self, missing: Mapping[Digest, SourceBuild], builder: BuilderRoot
    ) -> dict[Digest, LockedWheel]:
        check_native(builder.platform, next(iter(missing.values())).sdist)
        bwrap = self.tools.bwrap()
        needed = [file for build in missing.values() for file in (build.sdist, *build.requirements)]
        archives = self.fetch(needed, builder.packages)
        root = prepare_toolchain(
            builder.packages,
            archives,
            platform=builder.platform,
            python=builder.python,
            cache=self.home.cache,
            reporter=self.reporter,
        )
        names = ", ".join(build.sdist.name for build in missing.values())
        stop = threading.Event()
        with (
            self.reporter.task(f"building {names}", len(missing), unit="wheels") as task,
            ThreadPoolExecutor(WORKERS, thread_name_prefix="build") as pool,
        ):
            site = _Site(self, builder, root, bwrap, archives, stop)
            futures = {key: pool.submit(self._make, key, build, site, task) for key, build in missing.items()}
            try:
                return {key: future.result() for key, future in futures.items()}
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _make(self, key: Digest, build: SourceBuild, site: _Site, task: Task) -> LockedWheel:
        wheel = site.build(build)
        self._memo.put(key, wheel)
        task.advance(1)
        return wheel

    @property
    def _memo(self) -> Memo:
        return Memo(self.home.cache / "wheels")


@dataclass(frozen=True, slots=True)
class _Site:
    """Where builds of one call happen."""

    house: Wheelhouse
    builder: BuilderRoot
    root: Path
    bwrap: Path
    archives: Mapping[str, Path]
    stop: threading.Event

    def build(self, build: SourceBuild) -> LockedWheel:
        """Build one wheel; what the backend asks for when it runs is fetched between two attempts."""
        requirements, archives, log = build.requirements, self.archives, ""
        for _ in range(_MOST_ROUNDS):
            with self._scratch() as scratch:
                failed = self._run(scratch, build.sdist, requirements, archives)
                if failed is None:
                    return adopt(scratch / OUT, build.sdist, self.builder, self.house.home.archives)
            log = failed
            asked = missing_requirements(log)
            if not asked:
                break
            requirements = self.house.resolve(asked)
            archives = self.house.fetch(requirements, ())
        raise build_failure(build.sdist, log, self.house.find)

    def _run(
        self,
        scratch: Path,
        sdist: LockedSdist,
        requirements: tuple[LockedWheel, ...],
        archives: Mapping[str, Path],
    ) -> str | None:
        """Run the build; gives its log if it fails."""
        for wheel in requirements:
            os.link(archives[wheel.sha256], scratch / "wheels" / wheel.filename)
        source = unpack_sdist(self.archives[sdist.sha256], sdist, scratch / BUILD / "src")
        path = scratch / "log"
        job = self._job(scratch, f"/{BUILD}/src/{source}")
        seconds = self.house.seconds
        with path.open("wb") as log:
            try:
                code = run_confined(job, bwrap=self.bwrap, log=log, seconds=seconds, stop=self.stop)
            except TimeLimitError:
                raise time_limit_failure(sdist, _read(path), seconds) from None
        return _read(path) if code else None

    def _job(self, scratch: Path, source: str) -> Confined:
        options = ("--wheel", "--no-config", "--no-sources", "--offline", "--no-index")
        python = f"/usr/bin/python{self.builder.python}"
        return Confined(
            root=self.root,
            command=(
                *(f"{_TOOLS}/uv", "build", *options, "--find-links", f"{_TOOLS}/wheels"),
                *("--python", python, "--no-python-downloads", "--no-create-gitignore"),
                *("--color", "never", "--no-progress", "--out-dir", f"/{OUT}", source),
            ),
            folder=f"/{BUILD}",
            environment=_ENVIRONMENT,
            volumes=(
                Volume(self.house.tools.uv, f"{_TOOLS}/uv", read_only=True),
                Volume(scratch / "wheels", f"{_TOOLS}/wheels", read_only=True),
                Volume(scratch / BUILD, f"/{BUILD}"),
                Volume(scratch / OUT, f"/{OUT}"),
            ),
        )

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        parent = self.house.home.cache / "builds"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=parent, prefix=".tmp-"))
            for path in ("wheels", OUT, *(f"{BUILD}/{name}" for name in ("src", "home", "scratch"))):
                (scratch / path).mkdir(parents=True)
        except OSError as error:
            raise storage_error(error, parent) from error
        try:
            yield scratch
        finally:
            remove_tree(scratch)


_ENVIRONMENT = {
    **ENVIRONMENT,
    "UV_CACHE_DIR": f"/{BUILD}/cache",
    "UV_LINK_MODE": "copy",
}


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace")
