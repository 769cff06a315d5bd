"""Which modules an image brings compiled, and in which layers.

They lie beside the layers of the sources, and not in them: what a service imports is its own affair, and a
wheel's layer is the same bytes in every image.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from lightship.debs.model import LockedDeb
from lightship.plan.layering import GIANT, bucket
from lightship.plan.model import BaseLayer, BytecodeLayer, FilesLayer, WheelsLayer
from lightship.project.start import Start
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedWheel

IMPORTED, ALL, NONE = "imported", "all", "none"
_MOST_GIANTS = 8


class Bytecode(Struct, frozen=True):
    """What to compile: `level` as configured, `start` the recorded one, `compiler` a Debian version."""

    level: str
    start: Start | None
    python: str
    compiler: str

    def of_base(self, base: BaseLayer) -> Iterator[BytecodeLayer]:
        """Yield the layer of the standard library, whose sources come from Python's own packages."""
        modules = None if self.level == ALL else self._standard_library()
        if self._compiles and modules != ():
            packages = tuple(deb for deb in base.packages if _is_python(deb.name, self.python))
            sources = BaseLayer(base.suite, base.architecture, packages, base.trim)
            yield BytecodeLayer(sources, self.python, self.compiler, modules)

    def of_wheels(self, layers: Iterable[WheelsLayer]) -> Iterator[BytecodeLayer]:
        """Yield a layer for each giant, and one for every bucket of others.

        Only distributions with modules to compile count, so that another one changes no layer.
        """
        if not self._compiles:
            return
        groups: dict[tuple[bool, int], list[tuple[WheelsLayer, LockedWheel]]] = {}
        giants = 0
        for layer in layers:
            for wheel in layer.wheels:
                if self.level != ALL and not self._modules(wheel):
                    continue
                giants += wheel.size >= GIANT
                alone = wheel.size >= GIANT and giants <= _MOST_GIANTS
                key = (not alone, giants if alone else bucket(wheel.name))
                groups.setdefault(key, []).append((layer, wheel))
        for _, group in sorted(groups.items()):
            yield self._of_group(group)

    def of_files(self, layer: FilesLayer) -> Iterator[BytecodeLayer]:
        """Yield the layer of the application's own modules: all of them, whatever was recorded."""
        paths = (f"{layer.workdir.strip('/')}/{file.path}".lstrip("/") for file in layer.files)
        modules = tuple(path for path in paths if path.endswith(".py"))
        if self._compiles and modules:
            yield BytecodeLayer(layer, self.python, self.compiler, modules)

    @property
    def _compiles(self) -> bool:
        return self.level != NONE and bool(self.compiler)

    def _of_group(self, group: list[tuple[WheelsLayer, LockedWheel]]) -> BytecodeLayer:
        first = group[0][0]
        wheels = tuple(sorted(wheel for _, wheel in group))
        trim = tuple(dict.fromkeys(rule for layer, _ in group for rule in layer.trim))
        keep = {name: paths for layer, _ in group for name, paths in layer.keep.items()}
        sources = WheelsLayer(first.prefix, first.python, wheels, trim, keep)
        site = Environment(first.prefix, first.python).site_packages
        modules = tuple(f"{site}/{path}" for wheel in wheels for path in self._modules(wheel))
        return BytecodeLayer(sources, self.python, self.compiler, None if self.level == ALL else modules)

    def _modules(self, wheel: LockedWheel) -> tuple[str, ...]:
        return self.start.modules.get(wheel.name, ()) if self.start else ()

    def _standard_library(self) -> tuple[str, ...]:
        library = f"usr/lib/python{self.python}"
        return tuple(f"{library}/{path}" for path in self.start.standard_library) if self.start else ()


def compiled_path(source: str, python: str) -> str:
    """Place of a module's bytecode beside it (PEP 3147)."""
    folder, name = posixpath.split(source)
    tag = f"cpython-{python.replace('.', '')}"
    return posixpath.join(folder, "__pycache__", f"{name.removesuffix('.py')}.{tag}.pyc")


def compiler_version(debs: Iterable[LockedDeb], python: str) -> str:
    """Version of the package that has the interpreter, empty where there is none.

    Rebuilds of one source (`+b1`) count as one: an architecture may have been built more often.
    """
    versions = (deb.version for deb in debs if deb.name == f"python{python}-minimal")
    return next((re.sub(r"\+b[0-9]+$", "", version) for version in versions), "")


def _is_python(name: str, python: str) -> bool:
    return name.startswith((f"python{python}", f"libpython{python}"))
