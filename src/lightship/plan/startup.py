"""Which files of an image its service reads when it starts, as far as a recorded start tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lightship.plan.bytecode import compiled_path
from lightship.plan.model import BaseLayer, BytecodeLayer, EnvironmentLayer, LayerPlan, Plan, WheelsLayer
from lightship.project.start import Paths, Start
from lightship.wheels.environment import Environment


def startup_paths(plan: Plan, start: Start | None) -> list[tuple[str, ...]]:
    """Give for each layer of a plan the sorted paths of such files; some may not be in it.

    Python does not read a source whose bytecode is in the image: of those only the bytecode counts.
    """
    if start is None:
        return [()] * len(plan.layers)
    compiled = [layer for layer in plan.layers if isinstance(layer, BytecodeLayer)]
    skipped = {source for layer in compiled for source in _sources(layer, start)}
    return [tuple(sorted(set(_read(layer, start, plan.architecture)) - skipped)) for layer in plan.layers]


def _read(layer: LayerPlan, start: Start, architecture: str) -> Iterator[str]:
    match layer:
        case BytecodeLayer():
            yield from (compiled_path(source, layer.python) for source in _sources(layer, start))
        case BaseLayer():
            yield f"usr/bin/python{start.python}"
            yield from _imported(layer, start)
            yield from start.system.get(architecture, ())
        case EnvironmentLayer():
            yield f"{layer.prefix}/pyvenv.cfg"
            yield from start.system.get(architecture, ())
        case WheelsLayer():
            yield from _imported(layer, start)
            yield from _of_wheels(layer, start, start.opened.get(architecture, {}))
        case _:
            pass


def _sources(layer: BytecodeLayer, start: Start) -> Iterable[str]:
    """Give what was imported of the modules that a layer has compiled."""
    return _imported(layer.of, start) if layer.modules is None else layer.modules


def _imported(layer: LayerPlan, start: Start) -> Iterator[str]:
    if isinstance(layer, BaseLayer):
        yield from (f"usr/lib/python{start.python}/{path}" for path in start.standard_library)
    elif isinstance(layer, WheelsLayer):
        yield from _of_wheels(layer, start, start.modules)


def _of_wheels(layer: WheelsLayer, start: Start, recorded: Paths) -> Iterator[str]:
    """Yield what was recorded of the releases in a layer; of other releases the record knows nothing."""
    site = Environment(layer.prefix, layer.python).site_packages
    for wheel in layer.wheels:
        if start.distributions.get(wheel.name) == wheel.version:
            yield from (f"{site}/{path}" for path in recorded.get(wheel.name, ()))
