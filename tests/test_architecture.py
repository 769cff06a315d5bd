"""The rules that keep the code livable: who imports whom, who touches the process, how long things get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60

# Lowest first: each may import what stands in the lines above it, and nothing else of its own line.
TIERS = (
    ("errors", "decoders", "slim"),
    ("events", "digest", "platform"),
    ("reference",),
    ("fs",),
    ("net",),
    ("oci",),
    ("registry",),
    ("elf",),
    ("loader",),
    ("debs",),
    ("wheels",),
    ("project",),
    ("plan",),
    ("build",),
    ("dockerfile",),
    ("engines", "inspect"),
    ("attest",),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, names in enumerate(TIERS) for name in names}
EDGE = (
    "lightship.cli",
    "lightship.__main__",
    # Programs of their own, which run inside the image, or by its Python:
    "lightship.build.compile_probe",
    "lightship.build.load_probe",
    "lightship.build.start_probe",
    "lightship.dockerfile.emit.compile",
    "lightship.inspect.import_probe",
    "lightship.slim",
)

# Each costs `lightship --help` more than everything else together.
HEAVY = {
    "cyclonedx",
    "debian",
    "elftools",
    "http.client",
    "installer",
    "jinja2",
    "packageurl",
    "rich",
    "urllib3",
    "zstandard",
    "packaging.pylock",
}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, by its dotted name."""
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8"), filename=str(path)
        )
        for path in sorted((SOURCE / "lightship").rglob("*.py"))
    }


@cache
def imports(module: str) -> dict[str, int]:
    """Modules of the package that a module imports, also inside functions, each with the line."""
    found: dict[str, int] = {}
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute"
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in modules() else str(node.module): node.lineno for name in names}
    return {name: line for name, line in found.items() if name in modules()}


def unit(module: str) -> str:
    """Name the sub-package or top module that a module belongs to."""
    return module.split(".")[1]


def test_every_part_of_the_package_has_a_tier() -> None:
    parts = {unit(module) for module in modules() if module != "lightship"}
    assert parts <= set(RANK)


def test_imports_point_downward() -> None:
    upward = [
        f"{module}:{line} imports {target}"
        for module in modules()
        for target, line in imports(module).items()
        if "lightship" not in (module, target)
        and unit(module) != unit(target)
        and RANK[unit(module)] <= RANK[unit(target)]
    ]
    assert upward == []


def test_modules_do_not_import_each_other_in_circles() -> None:
    graph = {module: set(imports(module)) - {module} for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_only_the_command_line_prints_exits_or_reads_the_environment() -> None:
    touched = [
        f"{module}:{line} uses {what}"
        for module, tree in modules().items()
        if not module.startswith(EDGE)
        for line, what in process_uses(tree)
    ]
    assert touched == []


def process_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("print", "exit")
        ):
            yield node.lineno, node.func.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in ("os.environ", "os.getenv", "sys.exit", "sys.stdout", "sys.stderr", "sys.argv"):
                yield node.lineno, name


def test_modules_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (SOURCE / "lightship").rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_functions_are_short() -> None:
    long = [
        f"{module}:{node.lineno} {node.name}"
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_help_pays_for_no_heavy_import() -> None:
    code = "import sys, lightship.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert HEAVY.intersection(loaded.split()) == set()
