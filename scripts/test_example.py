"""Run the example service's own tests, in an environment for each variant that this machine can run.

The environments lie in `.tools/` and are made from Lightship's own resolution, which finds the CPU build of
torch wherever pip is configured to look.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

from lightship.digest import of_value
from lightship.events import SilentReporter
from lightship.net.pipconf import PipConfig, read_pip_config, uv_environment
from lightship.platform import Platform
from lightship.wheels.request import ResolveRequest, request_inputs
from lightship.wheels.resolve import resolve
from lightship.wheels.uv import find_uv, uv_variables

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "pharmabot"
PYTEST = ("-m", "pytest", "-q", "-p", "require_all")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def main() -> int:
    pip = read_pip_config(os.environ, home=Path.home(), prefix=Path(sys.prefix))
    none = environment("none", ("requirements-base.txt",), pip)
    local = ("requirements-torch-cpu.txt", "requirements-onnx.txt", "requirements-export.txt")
    cpu = environment("cpu", ("requirements-base.txt", *local), pip)
    without_local = "without_local_inference"
    without_model = "without_a_model"
    return max(
        run(
            none,
            *PYTEST,
            "-k",
            f"not (test_local_embeddings or test_onnx_embeddings) or {without_local} or {without_model}",
        ),
        run(cpu, *PYTEST, "-k", f"not {without_local}"),
        run(cpu, "-m", "mypy"),
        run(cpu, "-m", "ruff", "check"),
        run(cpu, "-m", "ruff", "format", "--check"),
    )


def environment(variant: str, requirements: tuple[str, ...], pip: PipConfig) -> Path:
    """Bring the variant's virtual environment up to date, and return its Python."""
    folder = ROOT / ".tools" / f"pharmabot-{variant}"
    request = ResolveRequest(
        folder=EXAMPLE,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platform=Platform(ARCHITECTURES[platform.machine()]),
        requirements=tuple(map(Path, (*requirements, "requirements-dev.txt"))),
        torch=variant,
    )
    stamp = folder / ".inputs"
    inputs = of_value(request_inputs(request))
    if not stamp.is_file() or stamp.read_text() != inputs:
        print(f"Setting up the example's variant {variant!r}", flush=True)
        make_environment(folder, request, pip)
        stamp.write_text(inputs)
    return folder / "bin" / "python"


def make_environment(folder: Path, request: ResolveRequest, pip: PipConfig) -> None:
    variables = uv_variables(os.environ, uv_environment(pip))
    uv = [str(find_uv()), "--quiet"]
    subprocess.run(
        [*uv, "venv", "--clear", "--python", sys.executable, str(folder)], check=True, env=variables
    )
    lock = folder / "pylock.toml"
    lock.write_text(resolve(request, pip=pip, environ=os.environ, reporter=SilentReporter()))
    sync = ["pip", "sync", "--python", str(folder / "bin" / "python"), str(lock)]
    subprocess.run([*uv, *sync], check=True, env=variables)


def run(python: Path, *arguments: str) -> int:
    print(f"examples/pharmabot$ {python.relative_to(ROOT)} {shlex.join(arguments)}", flush=True)
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    return subprocess.run([python, *arguments], cwd=EXAMPLE, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
