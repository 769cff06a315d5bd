"""Secrets that everybody who has the image, or its history, can read; and the user it runs as."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename

from lightship.dockerfile.context import Context
from lightship.dockerfile.expand import expand
from lightship.dockerfile.findings import Found, Rule, Severity
from lightship.dockerfile.source import Logical, Span
from lightship.dockerfile.stages import Build, Step, last_user

ROOT = Rule(
    "LD501-root-user",
    "the final stage runs as root",
    Severity.WARNING,
    "Whoever gets a foothold in the service is root in the container, and one kernel bug from the host.",
    "make a user, and end the file with USER and its number",
)
VARIABLE = Rule(
    "LD502-secret-in-variable",
    "a secret is in ARG or ENV",
    Severity.ERROR,
    "ENV is in the image's configuration and ARG in its history: docker history prints both.",
    "mount it where it is needed (RUN --mount=type=secret,id=…), or set it when the container starts",
)
FILE = Rule(
    "LD503-secret-file",
    "a file with secrets is copied",
    Severity.ERROR,
    "It stays in the layer and in the build cache, also when a later instruction removes it.",
    "mount it where it is needed (RUN --mount=type=secret,id=…), and list it in .dockerignore",
)
URL = Rule(
    "LD504-credentials-in-url",
    "a URL has credentials in it",
    Severity.ERROR,
    "The URL is in the image's history, in logs, and often in the metadata of what is installed from it.",
    "mount a .netrc or pip.conf as a secret: RUN --mount=type=secret,id=…,target=/root/.netrc",
)
RULES = (ROOT, VARIABLE, FILE, URL)

_SECRET = re.compile(
    r"(?:.*_)?(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_?KEY|TOKEN|API_?KEY|ACCESS_KEY(?:_ID)?|PRIVATE_KEY|CREDENTIALS?|AUTH_KEY|"
    r"CLIENT_SECRET|ACCOUNT_KEY|CONNECTION_STRING|PAT)",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"|/.*|true|false|none|null|\d", re.IGNORECASE)
_SECRET_FILES = re.compile(
    r"\.env(?:\.(?:local|prod|production|dev|development|staging|secret))?|id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|_netrc|pip\.conf|\.pypirc|\.npmrc"
    r"|\.git-credentials|.*\.(?:pem|key|p12|pfx|jks|kdbx)|credentials\.json|service[-_]account.*\.json|.*-sa\.json|kubeconfig|\.htpasswd|secrets?\.(?:ya?ml|json|toml|env|py)"
    r"|\.aws|\.ssh|\.kube|\.docker|\.gnupg",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r".*(?:\bca\b|ca[-_.]|cert|chain|bundle|public|\.pub\b|root).*\.(?:pem|key)|.*\.pub", re.IGNORECASE
)
_CREDENTIALS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://(?P<user>[^\s/@:'\"]+):(?P<password>[^\s/@'\"]+)@|\bgit\+https?://(?P<token>[^\s/@:'\"]+)@",
    re.IGNORECASE,
)
_HTTP_TOKEN = re.compile(r"\bhttps?://(?P<token>\$\{?\w*(?:TOKEN|KEY|PASS|PAT|SECRET)\w*\}?)@", re.IGNORECASE)
_UNPRIVILEGED_IMAGES = re.compile(r"nonroot|unprivileged|chainguard|rootless|/lambda/|/windows/|nanoserver")


def check(build: Build, context: Context) -> Iterator[Found]:  # noqa: ARG001
    for stage in build.stages:
        for step in stage.steps:
            yield from _variables(step)
            yield from _files(step)
            yield from _urls(step)
    yield from _root(build)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable of this name holds a secret."""
    return _SECRET.fullmatch(name) is not None


def is_harmless(value: str) -> bool:
    """Tell whether a value cannot be a secret: nothing, a path, a switch."""
    return _HARMLESS.fullmatch(value) is not None


def is_secret_file(name: str) -> bool:
    """Tell whether a file of this name, without its folder, may hold secrets."""
    return _SECRET_FILES.fullmatch(name) is not None and _PUBLIC.fullmatch(name) is None


def _variables(step: Step) -> Iterator[Found]:
    if step.keyword not in ("ARG", "ENV"):
        return
    for name, value, span in step.instruction.pairs():
        if not is_secret_name(name):
            continue
        if step.keyword == "ARG" or not is_harmless(expand(value, step.env)):
            yield VARIABLE.at(span, f"{step.keyword} {name} can be read by everybody who has the image")


def _files(step: Step) -> Iterator[Found]:
    if not step.from_context:
        return
    for word in step.sources:
        name = basename(expand(word.text, step.variables).rstrip("/"))
        if is_secret_file(name):
            yield FILE.at(word.span, f"{name} may hold secrets, and becomes part of a layer")


def _urls(step: Step) -> Iterator[Found]:
    texts = [step.instruction.args, *(heredoc.body for heredoc in step.instruction.heredocs)]
    for text in texts:
        matches = [*_CREDENTIALS.finditer(text.text), *_HTTP_TOKEN.finditer(text.text)]
        for match in {match.end(): match for match in matches}.values():
            if not _mounted(step, match):
                yield URL.at(_place(text, match), "credentials stand in a URL")


def _place(text: Logical, match: re.Match[str]) -> Span:
    return text.span(*match.span())


def _mounted(step: Step, match: re.Match[str]) -> bool:
    """Tell whether what stands in the URL comes from a mounted secret, or is none (`git:git`)."""
    secret = match.groupdict().get("password") or match.groupdict().get("token") or ""
    if secret.startswith("$("):
        return True
    mounts = any(mount["type"] == "secret" for mount in step.mounts)
    return (mounts and "$" in secret) or secret.lower() in ("git", "x-oauth-basic")


def _root(build: Build) -> Iterator[Found]:
    final, user = build.final, last_user(build.final)
    name = user.partition(":")[0]
    if name not in ("", "root", "0"):
        return
    image = final.root_image
    if not name and (not image.known or _UNPRIVILEGED_IMAGES.search(f"{image.name}:{image.tag}")):
        return
    users = [step for step in final.all_steps if step.keyword == "USER"]
    place = users[-1].instruction.span if users else final.start.span
    yield ROOT.at(place, f"USER is {user} at the end" if name else f"{final.label} sets no USER")
