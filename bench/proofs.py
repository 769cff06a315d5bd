"""What `lightship verify` says of the article's images, built by Docker: `python -m bench.proofs [CASE …]`.

One image is there at a time: it is built, verified where Docker has it, and removed. Each rule is shown with
the number of places where it is broken and its first message; `--json` is kept in `.bench/proofs`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import Any

from bench.article import CASES, Case, prepared
from bench.harness import BENCH, LIGHTSHIP, megabytes
from scripts.dockerd import private_daemon
from scripts.standins import load
from tests.support.docker_build import DockerBuilds, cpu_torch, docker_builds
from tests.support.programs import caller

FOLDER = BENCH / "proofs"


def main() -> None:
    wanted = sys.argv[1:] or [case.name for case in CASES if not case.mended]
    given = os.environ.get("DOCKER_HOST")
    if given:
        prove(given, wanted)
        return
    with private_daemon() as host:
        prove(host, wanted)


def prove(host: str, wanted: list[str]) -> None:
    load(host)
    docker = caller("/usr/bin/docker", "--host", host)
    with docker_builds(host, constraints=cpu_torch()) as build:
        for case in (case for case in CASES if case.name in wanted):
            tag = f"proven:{case.name.replace(', ', '-')}"
            with prepared(case) as (project, file):
                build(project, file, tag=tag, build_args=case.build_args)
            show(case, verified(tag, build))
            docker("image", "rm", "--force", tag)
            docker("builder", "prune", "--all", "--force")


def verified(tag: str, build: DockerBuilds) -> tuple[dict[str, Any], float]:
    """Verify in a home of its own, so that no layer was seen before; gives the report and the seconds."""
    home = FOLDER / "home"
    shutil.rmtree(home, ignore_errors=True)
    # The client that the builds use, wherever another one is.
    path = f"/usr/bin:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "DOCKER_HOST": build.docker_host, "LIGHTSHIP_HOME": str(home)}
    started = time.perf_counter()
    done = subprocess.run(
        [LIGHTSHIP, "verify", tag, "--engine", "docker", "--json", "-q"],
        env=environ,
        stdout=subprocess.PIPE,
        check=False,
    )
    seconds = time.perf_counter() - started
    shutil.rmtree(home, ignore_errors=True)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout.decode())
    report: dict[str, Any] = json.loads(done.stdout)
    (FOLDER / f"{tag.partition(':')[2]}.json").write_bytes(done.stdout)
    return report, seconds


def show(case: Case, proven: tuple[dict[str, Any], float]) -> None:
    report, seconds = proven
    verdict = "passed" if report["passed"] else "failed"
    print(
        f"{case.name}: {verdict}, {megabytes(report['size'])}, {megabytes(report['wasted'])} hidden, "
        f"{len(report['distributions'])} distributions, {report['modules_imported']} modules, {seconds:.1f} s"
    )
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for finding in report["findings"]:
        groups.setdefault((finding["severity"], finding["rule"]), []).append(finding)
    for (severity, rule), group in groups.items():
        print(f"  {severity:8}{rule:40}{len(group):>6}  {group[0]['where']}: {group[0]['message'][:90]}")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    main()
