"""Predicts images layer by layer, from the plan that a build would carry out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from lightship.build.baseimage import plan_suite
from lightship.build.building import builder_of
from lightship.build.cache import Memo
from lightship.build.fetching import Fetcher
from lightship.build.installing import wheel_entries
from lightship.build.machine import Machine
from lightship.build.steps import Inputs, layer_entries
from lightship.debs.model import LockedDeb
from lightship.digest import Digest, of_value
from lightship.fs.entries import BytesContent, Entry, Kind
from lightship.fs.tree import with_parents
from lightship.inspect.oracle import ratios, starts
from lightship.inspect.oracle.model import MEASURED, PREDICTED, LayerSize, Prediction
from lightship.inspect.oracle.outputs import Roots, age, explain, find_outputs, not_found
from lightship.inspect.oracle.plans import Outlook, with_start
from lightship.inspect.oracle.strategies import Parts, Sizes
from lightship.inspect.oracle.tally import Expected, tally
from lightship.inspect.oracle.wheels import WheelReader, expect_stripped
from lightship.oci.blob import write_layer
from lightship.oci.record import Compression
from lightship.plan.bytecode import compiled_path
from lightship.plan.model import (
    BaseLayer,
    BytecodeLayer,
    EnvironmentLayer,
    FilesLayer,
    ImageLayer,
    LayerPlan,
    MadeLayer,
    Plan,
    ToolsLayer,
    WheelsLayer,
    layer_key,
)
from lightship.plan.stages import StageLayer
from lightship.project.detect import Project
from lightship.project.start import Start
from lightship.wheels.archive import Member

_WORKERS = 8
"""Requests at once: each waits for a server more than it works."""
_MOST_DEBS = 64_000_000
"""Bytes of Debian packages that are fetched to read them: the base's 14 MB, which every build needs."""
Layers = Mapping[Digest, LayerPlan]
"""Layers by their keys."""


@dataclass
class Oracle:
    """Tells the sizes of a project's images; what was found is kept under the layers' keys."""

    project: Project
    machine: Machine
    wheels: WheelReader = field(init=False)
    debs_fetched: int = 0
    outputs: Roots = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wheels = WheelReader(self.machine)

    @property
    def fetched(self) -> int:
        """Bytes that were fetched to tell what was asked so far."""
        return self.debs_fetched + self.wheels.fetched

    def predict(self, outlook: Outlook, name: str) -> Prediction:
        """Tell the size of what would be built.

        Raises:
            NetworkError, IntegrityError: if an archive cannot be had or read.

        """
        outlook = self._with_start(outlook) if outlook.guessed else outlook
        plan = outlook.plan
        builder = builder_of(self.project, plan.variant, self.machine, Compression.GZIP)
        keys = [layer_key(layer, Compression.GZIP) for layer in plan.layers]
        known = [
            record or builder.pins.get(key) for key, record in zip(keys, builder.known(plan), strict=True)
        ]
        missing = {
            key: layer for key, layer, record in zip(keys, plan.layers, known, strict=True) if record is None
        }
        self.outputs |= find_outputs(self.project, missing.values(), self.machine)
        lost = not_found(missing.values(), self.outputs)
        sizes = self._sizes({key: layer for key, layer in missing.items() if layer not in lost}, outlook)
        layers = tuple(
            LayerSize(
                layer.title, record.descriptor.digest, record.unpacked, record.descriptor.size, MEASURED
            )
            if record
            else LayerSize(layer.title, key, *sizes.get(key, (0, 0)), _basis(layer))
            for key, layer, record in zip(keys, plan.layers, known, strict=True)
        )
        notes = (*outlook.notes, *map(explain, lost))
        without = (*outlook.without, *(layer.origin.words for layer in lost))
        return Prediction(name, str(plan.platform), layers, notes, without)

    def parts(self, plan: Plan) -> Parts:
        """Tell what an image of the same lock is put together from that pip installs into.

        Raises:
            NetworkError, IntegrityError: as `predict`.

        """
        (environment,) = (layer for layer in plan.layers if isinstance(layer, EnvironmentLayer))
        whole = WheelsLayer(environment.prefix, environment.python, plan.wheels)
        key = of_value([ratios.RULES, "installed", layer_key(whole, Compression.GZIP)])
        memo = Memo(self.machine.home.cache / "predictions")

        def installed() -> Sizes:
            entries = list(self._installed(whole, strip=False))
            return _sum([tally(entries), tally(_compiled(iter(entries), None, whole.python))])

        files = [layer for layer in plan.layers if isinstance(layer, FilesLayer)]
        return Parts(
            installed=memo.get_or_make(key, tuple[int, int], installed),
            wheels=whole.download,
            files=_sum(self._made(layer, {}) for layer in files),
        )

    def _with_start(self, outlook: Outlook) -> Outlook:
        """Tell what a start would import from sources; where they cannot be read, its share stays guessed."""
        plan, memo = outlook.plan, Memo(self.machine.home.cache / "predictions")
        archives = [*(wheel.sha256 for wheel in plan.wheels), *(deb.sha256 for deb in plan.debs)]
        files = [layer.recipe() for layer in plan.layers if isinstance(layer, FilesLayer)]
        key = of_value(["start", starts.VERSION, archives, files, plan.execution.argv])
        start = memo.get(key, Start) or self._guess_start(plan)
        if start is None:
            return outlook
        memo.put(key, start)
        return with_start(outlook, self.project, start)

    def _guess_start(self, plan: Plan) -> Start | None:
        compiled = [layer.of for layer in plan.layers if isinstance(layer, BytecodeLayer)]
        base = next((layer for layer in compiled if isinstance(layer, BaseLayer)), None)
        archives = self._debs([base] if base else [], plan)
        if base is None or any(deb.sha256 not in archives for deb in base.packages):
            return None
        modules = starts.modules_of(plan)
        with self.machine.reporter.task("following imports", unit="modules"):
            with layer_entries(base, Inputs(archives, self.project.folder)) as entries:
                modules.add(map(_in_memory, entries))
            for layer in plan.layers:
                if isinstance(layer, FilesLayer):
                    with layer_entries(layer, Inputs(archives, self.project.folder)) as entries:
                        modules.add(entries)
                elif isinstance(layer, WheelsLayer):
                    for wheel in layer.wheels:
                        alone = msgspec.structs.replace(layer, wheels=(wheel,))
                        modules.add(self._installed(alone, strip=False), wheel.name)
            return starts.guess_start(plan, self.project.config.python, modules, self.wheels.bring)

    def _sizes(self, layers: Layers, outlook: Outlook) -> dict[Digest, Sizes]:
        memo = Memo(self.machine.home.cache / "predictions")
        remembered = {
            key: of_value([ratios.RULES, outlook.guessed, key, age(layer, self.outputs)])
            for key, layer in layers.items()
        }
        found = {key: size for key in layers if (size := memo.get(remembered[key], tuple[int, int]))}
        missing = {key: layer for key, layer in layers.items() if key not in found}
        if missing:
            made = self._predict_all(missing, self._debs(missing.values(), outlook.plan), outlook)
            self.wheels.keep()
            if not self.wheels.lacked:  # the next time there may be more to tell from
                for key, size in made.items():
                    memo.put(remembered[key], size)
            found |= made
        return found

    def _predict_all(
        self, layers: Layers, archives: Mapping[str, Path], outlook: Outlook
    ) -> dict[Digest, Sizes]:
        """Read the wheels' own layers first: then no two threads read one wheel."""
        of_wheels = [key for key, layer in layers.items() if isinstance(layer, WheelsLayer)]
        others = [key for key in layers if key not in of_wheels]
        found: dict[Digest, Sizes] = {}
        with (
            self.machine.reporter.task("predicting", len(layers), unit="layers") as task,
            ThreadPoolExecutor(_WORKERS, thread_name_prefix="oracle") as pool,
        ):

            def predict(key: Digest) -> Sizes:
                size = self._predict(layers[key], archives, outlook)
                task.advance(1)
                return size

            for group in (of_wheels, others):
                found |= dict(zip(group, pool.map(predict, group), strict=True))
        return found

    def _predict(self, layer: LayerPlan, archives: Mapping[str, Path], outlook: Outlook) -> Sizes:
        match layer:
            case WheelsLayer():
                return tally(self._installed(layer, strip=layer.strip), self.wheels.bring)
            case BytecodeLayer():
                guessed = outlook.guessed and isinstance(layer.of, WheelsLayer | BaseLayer)
                return self._bytecode(layer, archives, ratios.IMPORTED if guessed else 1.0)
            case BaseLayer() | ToolsLayer():
                if any(deb.sha256 not in archives for deb in _packages(layer)):
                    size = layer.download
                    return int(size * ratios.DEB_UNPACKED), int(size * ratios.DEB_COMPRESSED)
                return self._made(layer, archives)
            case ImageLayer(record=record):
                return record.unpacked, record.descriptor.size
            case _:
                return self._made(layer, archives)

    def _installed(self, layer: WheelsLayer, *, strip: bool) -> Iterator[Entry]:
        opened = [(self.wheels.open(wheel), wheel) for wheel in layer.wheels]
        return wheel_entries(layer, opened, lambda _: expect_stripped if strip else None)

    def _bytecode(self, layer: BytecodeLayer, archives: Mapping[str, Path], share: float) -> Sizes:
        of = layer.of
        wanted = None if layer.modules is None else frozenset(layer.modules)
        if isinstance(of, WheelsLayer):
            return _shared(tally(_compiled(self._installed(of, strip=False), wanted, layer.python)), share)
        if isinstance(of, BaseLayer) and any(deb.sha256 not in archives for deb in of.packages):
            return 0, 0
        with layer_entries(of, Inputs(archives, self.project.folder)) as entries:
            return _shared(tally(_compiled(entries, wanted, layer.python)), share)

    def _made(self, layer: MadeLayer, archives: Mapping[str, Path]) -> Sizes:
        """Make a layer of what is at hand, for nobody: its size is exact."""
        inputs = Inputs(archives, self.project.folder, self.outputs)
        with layer_entries(layer, inputs) as entries, Path(os.devnull).open("wb") as nowhere:
            record = write_layer(entries, nowhere, Compression.GZIP)
        return record.unpacked, record.descriptor.size

    def _debs(self, layers: Iterable[LayerPlan], plan: Plan) -> Mapping[str, Path]:
        """Fetch Debian packages, those of a layer all or none: what is big is estimated instead."""
        folder = self.machine.home.archives / "sha256"
        paths: dict[str, Path] = {}
        wanted: dict[str, LockedDeb] = {}
        for layer in layers:
            packages = _packages(layer)
            missing = {deb.sha256: deb for deb in packages if not (folder / deb.sha256).is_file()}
            if sum(deb.size for deb in {**wanted, **missing}.values()) <= _MOST_DEBS:
                wanted |= missing
                paths |= {deb.sha256: folder / deb.sha256 for deb in packages}
        self.debs_fetched += sum(deb.size for deb in wanted.values())
        fetch = Fetcher(self.project, self.machine, plan_suite(self.project, plan))
        return {**paths, **fetch((), tuple(wanted.values()))}


def _in_memory(entry: Entry) -> Entry:
    """Keep a module, which is not there to be read when the package is closed."""
    if entry.content is None or not entry.path.endswith(".py"):
        return entry
    return msgspec.structs.replace(entry, content=BytesContent(b"".join(entry.content.chunks())))


def _packages(layer: LayerPlan) -> tuple[LockedDeb, ...]:
    of = layer.of if isinstance(layer, BytecodeLayer) else layer
    if isinstance(of, ToolsLayer):
        return (*of.below, *of.packages)
    return of.packages if isinstance(of, BaseLayer) else ()


def _compiled(entries: Iterator[Entry], wanted: frozenset[str] | None, python: str) -> Iterator[Entry]:
    """Give the bytecode of modules, as far as its size can be told from theirs."""
    return with_parents(
        _bytecode_of(entry, python)
        for entry in entries
        if entry.kind is Kind.FILE
        and (entry.path in wanted if wanted is not None else entry.path.endswith(".py"))
    )


def _bytecode_of(source: Entry, python: str) -> Entry:
    content, packed = source.content, source.size * ratios.PACKED_PART
    if isinstance(content, Member) and content.packed < content.size:
        packed = content.packed
    size = int(ratios.SOURCE * source.size + ratios.PACKED_SOURCE * packed) + _LEAST_BYTECODE
    content = Expected(size, size * ratios.BYTECODE)
    return Entry(compiled_path(source.path, python), Kind.FILE, 0o644, content)


_LEAST_BYTECODE = 100


def _shared(sizes: Sizes, share: float) -> Sizes:
    return int(sizes[0] * share), int(sizes[1] * share)


def _sum(sizes: Iterable[Sizes]) -> Sizes:
    columns = tuple(zip(*sizes, strict=True))
    return sum(columns[0]), sum(columns[1])


def _basis(layer: LayerPlan) -> str:
    """What a stage made is there to be measured; where it is not, nothing is counted."""
    return MEASURED if isinstance(layer, StageLayer) else PREDICTED
