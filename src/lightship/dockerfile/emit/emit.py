"""Every file, as text by its path in the project."""

from __future__ import annotations

from lightship.dockerfile.emit.facts import Plans, service_of
from lightship.dockerfile.emit.model import Options, Service
from lightship.dockerfile.emit.render import render
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project
from lightship.project.ignore import ALWAYS
from lightship.project.targets import DEVELOPMENT

FOLDER = "docker/requirements"
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
    return {**{path: render(name, values) for path, name in wanted.items()}, **_requirements(service)}


def _requirements(service: Service) -> dict[str, str]:
    texts = {f"stage-{stage.name}": stage.requirements for stage in service.stages if stage.requirements}
    owned = [("", service.groups), *((f"-{target.name}", target.groups) for target in service.targets)]
    for infix, groups in owned:
        for group in groups:
            suffix = "" if group.name == "wheels" else f"-{group.name}"
            texts |= {f"{variant}{infix}{suffix}": text for variant, text in group.texts.items()}
    return {f"{FOLDER}/{name}.txt": text for name, text in sorted(texts.items())}
