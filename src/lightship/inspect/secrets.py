"""What looks like a secret: well-known tokens, private keys, passwords, what only chance would write.

Functions of a path and bytes, so that what a layer holds is looked at once. What is found is never repeated
in full.
"""

from __future__ import annotations

import enum
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

_MOST = 20
"""Sightings in one file, beyond which no more is said."""
LARGEST = 256 * 1024
"""Bytes of a file above which it is no source, configuration or key, and is not looked at."""


class Kind(enum.Enum):
    TOKEN = "token"  # noqa: S105 - a kind, not a token
    KEY = "key"
    PASSWORD = "password"  # noqa: S105 - a kind, not a password
    CHANCE = "chance"


class Sighting(msgspec.Struct, frozen=True, array_like=True):
    """What was seen, such as `a GitHub token (ghp_…)`, and in which line."""

    kind: Kind
    what: str
    line: int


class _Form(NamedTuple):
    """A well-known form: `mark` is in whatever `pattern` matches, and quick to look for; it may begin it."""

    what: str
    mark: bytes
    pattern: re.Pattern[bytes]
    leads: bool

    def matches(self, data: bytes, marks: Iterable[int]) -> Iterator[re.Match[bytes]]:
        """Yield what `finditer` does; `marks` are the places of all marks, in their order."""
        if not self.leads:
            yield from self.pattern.finditer(data)
            return
        end = 0
        for place in marks:
            if place >= end and (match := self.pattern.match(data, place)):
                end = match.end()
                yield match


def _form(what: str, mark: str, pattern: str) -> _Form:
    compiled = re.compile(rb"(?<![A-Za-z0-9_-])" + pattern.encode())
    return _Form(what, mark.encode(), compiled, pattern.replace("\\", "").startswith(mark))


_FORMS = (
    _form("an AWS access key", "AKIA", r"AKIA[A-Z2-7]{16}(?![A-Z0-9])"),
    _form("a temporary AWS access key", "ASIA", r"ASIA[A-Z2-7]{16}(?![A-Z0-9])"),
    *(_form("a GitHub token", f"gh{kind}_", rf"gh{kind}_[A-Za-z0-9]{{36,}}") for kind in "pousr"),
    _form("a GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{60,}"),
    _form("a GitLab token", "glpat-", r"glpat-[A-Za-z0-9_-]{20,}"),
    _form("a Slack token", "xox", r"xox[abeoprs]-[A-Za-z0-9-]{20,}"),
    _form("a Google API key", "AIza", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _form("an OpenAI key", "T3BlbkFJ", r"sk-[A-Za-z0-9_-]*T3BlbkFJ[A-Za-z0-9_-]{16,}"),
    _form("an Anthropic key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{30,}"),
    _form("a Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{34}(?![A-Za-z0-9_])"),
    _form("a PyPI token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    _form("an npm token", "npm_", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9_])"),
    _form("a Docker Hub token", "dckr_pat_", r"dckr_pat_[A-Za-z0-9_-]{20,}"),
    _form("a Stripe key", "k_live_", r"[sr]k_live_[A-Za-z0-9]{20,}"),
    _form("a SendGrid key", "SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _form("an Azure storage key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _form("a DigitalOcean token", "dop_v1_", r"dop_v1_[a-f0-9]{64}"),
    _form("a Vault token", "hvs.", r"hvs\.[A-Za-z0-9_-]{24,}"),
    _form("a Databricks token", "dapi", r"dapi[a-f0-9]{32}(?![a-f0-9])"),
    _form("an age key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
)
# Azurite's, which its documentation prints, so that SDKs have it in their sources.
_PUBLISHED = (b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq", b"EXAMPLE")
_KEY = re.compile(
    rb"-----BEGIN ((?:[A-Z0-9]{1,20} ){0,3})PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s){1,8}"
    rb"(?:[A-Za-z-]{1,40}: [^\n]{0,200}\n){0,5}\s{0,4}"
    rb"[A-Za-z0-9+/]{40,}"
)
_URL = re.compile(
    rb"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,20}://(?:[^\s:/?#@\"'<>]*:([^\s/@\"'<>]{3,})|([A-Za-z0-9_-]{20,}))@[A-Za-z0-9\[]"
)
_NAMED = re.compile(
    rb"""(?im)(?:^|[\s,{|])["']?([\w.-]*?(?:password|passwd|secret|token|(?:api|access|private|account|secret)[_-]?key"""
    rb"""|credentials?))["']?\s*[:=]\s*["']?([^\s"',;#}]{8,})"""
)
_LONG = re.compile(rb"(?<![A-Za-z0-9+/_=:.-])[A-Za-z0-9+/_-]{40,}={0,2}(?![A-Za-z0-9+/_.-])")

_CONFIGURATION = (
    *(".env", ".ini", ".cfg", ".conf", ".toml", ".yaml", ".yml", ".json", ".properties", ".envrc"),
    *("requirements.txt", "pip.conf", ".npmrc", ".condarc", ".list", ".sources", ".lock"),
)
_WITH_URLS = (*_CONFIGURATION, ".git-credentials", ".git/config", ".gitconfig")
_SYSTEM = ("usr", "etc", "var", "lib", "lib64", "bin", "sbin", "boot", "proc", "sys", "dev")
_PACKAGES = ("site-packages/", "dist-packages/", "node_modules/")
_SAMPLES = re.compile(
    r"/(?:tests?|testing|testdata|test_data|fixtures|docs?|examples?|samples?|idlelib)/|(?:^|/)test(?:ing)?_[^/]*$"
)
_PLACEHOLDER = re.compile(
    rb"(?i)^(?:[$%<{\[(*]|.*(?:example|change|placeholder|your|dummy|xxx|\*\*\*|\.\.\.|redacted|insert|todo|fake)"
    rb"|(?:my)?(?:password|passwd|pass|secret|postgres|user|admin|root|guest|test|token|key|none|null|true|false)\d*$)"
)
_FILES = tuple(
    (re.compile(rf"(?:^|/)(?:{where})$"), re.compile(what))
    for where, what in (
        (r"[._]netrc|etc/apt/auth\.conf(?:\.d/[^/]*)?", rb"(?i)\bpassword\s+(\S+)"),
        (
            r"\.git/config|\.gitconfig|etc/gitconfig",
            rb"(?i)\bextraheader\s*=\s*\"?authorization:\s*\w+\s+(\S+)",
        ),
        (r"\.npmrc", rb"(?i)\b_(?:authToken|password|auth)\s*=\s*(\S+)"),
        (r"\.pypirc|auth\.toml|\.my\.cnf", rb"(?im)^\s*password\s*[:=]\s*(\S+)"),
        (r"\.docker/config\.json|\.dockercfg|auth\.json", rb"\"(?:auth|identitytoken)\"\s*:\s*\"([^\"]+)\""),
        (r"\.aws/credentials", rb"(?i)\baws_(?:secret_access_key|session_token)\s*=\s*(\S+)"),
        (r"\.kube/config", rb"(?m)^\s*(?:token|client-key-data|password):\s*(\S+)"),
        (r"\.pgpass", rb"(?m)^[^#\s][^:\n]*:[^:\n]*:[^:\n]*:[^:\n]*:(\S+)"),
        (
            r"application_default_credentials\.json",
            rb"\"(?:refresh_token|client_secret)\"\s*:\s*\"([^\"]+)\"",
        ),
    )
)
_WORDS = re.compile("netrc|auth|config|npmrc|pypirc|cnf|dockercfg|credentials|pgpass")
"""One of them is in every path of such a file."""
_LEAST_BITS = 4.5
"""Shannon entropy of a character, above which 40 of mixed case with digits are no word or path."""
_LEAST_BITS_NAMED = 3.2


def in_file(path: str, data: bytes) -> tuple[Sighting, ...]:
    """Look at a small file; what has a NUL byte is no text, and holds nothing."""
    if b"\0" in data[:1024]:
        return ()
    is_installed = any(part in path for part in _PACKAGES) or path.partition("/")[0] in _SYSTEM
    is_sample = is_installed and _SAMPLES.search(f"/{path}") is not None
    found = [] if is_sample else [*_tokens(data), *_keys(data)]
    found += islice(_passwords(path, data), _MOST)
    own = not is_installed or path.startswith("usr/src/")
    if own and path.endswith(_CONFIGURATION) and not found:
        found += _by_chance(data, unnamed=not path.endswith((".json", "lock.yaml", "lock.toml")))
    return tuple(islice(dict.fromkeys(found), _MOST))


def in_text(text: str) -> tuple[Sighting, ...]:
    """Look at a variable, a label or a step of the history."""
    data = text.encode("utf-8", "replace")
    found = [*_tokens(data), *_keys(data), *_urls(data)]
    return tuple(dict.fromkeys(found or _by_chance(data, unnamed=True)))


def _marked(data: bytes) -> list[tuple[_Form, list[int]]]:
    """Look for all marks at once: eight times as fast as for one after the other."""
    found: dict[int, list[int]] = {}
    for index, start, _ in _marks().find_matches_as_indexes(data, overlapping=True):
        found.setdefault(index, []).append(start)
    return [(_FORMS[index], places) for index, places in sorted(found.items())]


@cache
def _marks() -> BytesAhoCorasick:
    from ahocorasick_rs import BytesAhoCorasick

    return BytesAhoCorasick([form.mark for form in _FORMS])


def _tokens(data: bytes) -> Iterator[Sighting]:
    for form, places in _marked(data):
        for match in form.matches(data, places):
            if not any(known in match[0] for known in _PUBLISHED) and not _is_repeated(match[0]):
                yield Sighting(Kind.TOKEN, f"{form.what} ({_start(match[0])})", _line(data, match))


def _keys(data: bytes) -> Iterator[Sighting]:
    if b"PRIVATE KEY" in data:
        for match in _KEY.finditer(data):
            kind = match[1].decode().strip()
            yield Sighting(Kind.KEY, f"a private key{f' ({kind})' if kind else ''}", _line(data, match))


def _passwords(path: str, data: bytes) -> Iterator[Sighting]:
    if path.endswith(_WITH_URLS):
        yield from _urls(data)
    if not _WORDS.search(path):
        return
    for where, what in _FILES:
        if where.search(path):
            for match in what.finditer(data):
                if not _PLACEHOLDER.match(match[1]):
                    yield Sighting(Kind.PASSWORD, "a password", _line(data, match))


def _urls(data: bytes) -> Iterator[Sighting]:
    if b"://" not in data:
        return
    for match in _URL.finditer(data):
        password = match[1] or match[2]
        user = match[0].partition(b"://")[2].partition(b":")[0]
        if not _PLACEHOLDER.match(password) and password != user:
            host = (
                data[match.end() - 1 : match.end() + 100]
                .split(b"/")[0]
                .split()[0]
                .strip(b"\"',;)")
                .decode("utf-8", "replace")
            )
            yield Sighting(Kind.PASSWORD, f"a URL of {host} with its password", _line(data, match))


def _by_chance(data: bytes, *, unnamed: bool) -> Iterator[Sighting]:
    for match in _NAMED.finditer(data):
        value = match[2]
        if (
            _is_random(value, _LEAST_BITS_NAMED)
            and b"://" not in value
            and not value.startswith((b"/", b"."))
        ):
            name = match[1].decode("utf-8", "replace")
            yield Sighting(Kind.CHANCE, f"{name} has a value that looks random", _line(data, match))
            return
    for match in _LONG.finditer(data) if unnamed else ():
        value = match[0]
        is_public = value.startswith((b"AAAA", b"MII", b"sha256-", b"sha384-", b"sha512-"))
        has_cases = value.lower() != value != value.upper()
        if (
            not is_public
            and has_cases
            and value.count(b"/") <= len(value) // 12
            and _is_random(value, _LEAST_BITS)
        ):
            yield Sighting(Kind.CHANCE, f"{len(value)} characters that look random", _line(data, match))
            return


def _is_random(value: bytes, least: float) -> bool:
    has_both = any(48 <= char <= 57 for char in value) and any(chr(char).isalpha() for char in value)
    return has_both and not _PLACEHOLDER.match(value) and entropy(value) >= least


def entropy(value: bytes) -> float:
    """Give Shannon's entropy of a value, in bits for each of its characters."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())


def _is_repeated(value: bytes) -> bool:
    """Tell whether it is a stand-in, such as `hf_xxxxxxxx`."""
    return entropy(value[-20:]) < 2.5


def _start(value: bytes) -> str:
    return value[:4].decode("ascii", "replace") + "…"


def _line(data: bytes, match: re.Match[bytes]) -> int:
    return data.count(b"\n", 0, match.start()) + 1
