"""Every file, as text by its path in the project."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.dockerfile.emit.facts import Plans, service_of
from lightship.dockerfile.emit.model import Group, Options, Service
from lightship.dockerfile.emit.render import render
from lightship.dockerfile.emit.slimming import COMPILE, SLIM, program
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project
from lightship.project.ignore import ALWAYS
from lightship.project.targets import DEVELOPMENT

FOLDER = "docker"
"""Of everything that the Dockerfile copies for itself."""
IGNORE = ".dockerignore"
_TEMPLATES = {
    "Dockerfile": "Dockerfile.j2",
    IGNORE: "dockerignore.j2",
    "compose.yaml": "compose.yaml.j2",
    "docker-bake.hcl": "docker-bake.hcl.j2",
}
_CI = {"github": ".github/workflows/image.yml", "gitlab": ".gitlab-ci.yml"}


def emit(project: Project, plans: Plans, options: Options) -> dict[str, str]:
    """Write the files of these plans, by path; equal arguments give equal texts.

    Raises:
        UsageError: if the base is an image that pip cannot install into in this style.

    """
    service = service_of(project, plans, options)
    targets = tuple(target.name for target in service.targets)
    values = {
        "service": service,
        "options": options,
        "folder": FOLDER,
        "ignored": ALWAYS,
        "names": (PRODUCTION, *targets),
        "development": DEVELOPMENT in targets,
        "gpu": any(variant.cuda for variant in service.variants if variant.name == service.variant),
    }
    wanted = {**_TEMPLATES, **({_CI[options.ci]: f"{options.ci}.yml.j2"} if options.ci else {})}
    own = dict(sorted(_own(service, options.header)))
    return {**{path: render(name, values) for path, name in wanted.items()}, **own}


def _own(service: Service, header: str) -> Iterator[tuple[str, str]]:
    """Yield the files that the Dockerfile copies for itself, by path."""
    for name, text in _requirements(service):
        yield f"{FOLDER}/requirements/{name}.txt", text
    slimmed = [group for group in _groups(service) if group.slims]
    for group in slimmed:
        for variant, text in group.slims.items():
            yield f"{FOLDER}/slim/{variant}-{group.stage}.json", text
    for variant, text in service.modules.items():
        yield f"{FOLDER}/bytecode/{variant}.txt", text
    for name, is_used in ((SLIM, slimmed), (COMPILE, service.modules)):
        if is_used:
            yield f"{FOLDER}/{name}", program(name, header)


def _requirements(service: Service) -> Iterator[tuple[str, str]]:
    yield from ((f"stage-{stage.name}", stage.requirements) for stage in service.stages if stage.requirements)
    owned = [("", service.chains[0].groups)]
    owned += [(f"-{target.name}", target.groups) for target in service.targets]
    for infix, groups in owned:
        for group in groups:
            for variant, text in group.texts.items():
                yield f"{variant}{infix}{group.suffix}", text


def _groups(service: Service) -> Iterator[Group]:
    for chain in service.chains:
        yield from chain.groups
    for target in service.targets:
        yield from target.groups
