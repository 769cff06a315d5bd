"""What uv says when it cannot resolve, as an error that names requirement and index."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from lightship.errors import LightshipError, ResolutionError, UsageError
from lightship.net.redact import redact, redact_text
from lightship.wheels.requirements import RequirementLine

_FETCHED = re.compile(r"Failed to fetch: `?([a-z+]+://[^\s`]+)`?")
_CAUSE = re.compile(r"^\s*(?:cause|Caused by): (.*)$", re.MULTILINE)
_UNREACHABLE = re.compile(
    r"Failed to fetch|Request failed after|error sending request|Failed to read `--find-links`|dns error"
)
_REFUSED = re.compile(r"index URL \((\S+)\) could not be queried due to .*? \((\d+ \w+)\)")
_MISSING = re.compile(r"Because ([A-Za-z0-9._-]+)(?:\[[^\]]*\])? was not found in the")
_NO_VERSION = re.compile(r"there (?:is|are) no versions? of ([A-Za-z0-9._-]+)([^\s,]*)")
_BUILT = re.compile(r"Failed to (?:download and )?build `([^`]+)`|build backend returned an error")
_INPUT = re.compile(r"Couldn't parse|Error parsing|Failed to parse|unexpected argument|invalid value for")
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


class UnsatisfiableError(ResolutionError):
    """The indexes were read, and no set of versions fits."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What uv wrote, and what was asked of it.

    `target` is for messages; `searched` names indexes and folders, without credentials.
    """

    stderr: str
    lines: Sequence[RequirementLine]
    target: str
    searched: Sequence[str]

    def error(self) -> LightshipError:
        """Say it as Lightship would."""
        if "network was disabled" in self.stderr:
            return self._offline()
        if _REFUSED.search(self.stderr) or _UNREACHABLE.search(self.stderr):
            return self._unreachable()
        if "No solution found" in self.stderr:
            return self._unsatisfiable()
        if _BUILT.search(self.stderr):
            return self._unbuilt()
        kind = UsageError if _INPUT.search(self.stderr) else ResolutionError
        return kind(self._first_line(), hint="see the resolver's own words below", detail=self._detail())

    def _offline(self) -> LightshipError:
        names, where = self._named(self.stderr)
        return ResolutionError(
            f"cannot resolve {names} offline: the resolver's cache does not hold it",
            where=where,
            hint="run `lightship lock` once without --offline",
            detail=self._detail(),
        )

    def _unreachable(self) -> LightshipError:
        refused = _REFUSED.search(self.stderr)
        fetched = refused or _FETCHED.search(self.stderr)
        url = redact(fetched[1]) if fetched else ", ".join(self.searched)
        name = _project_of(url) if not refused else ""
        cause = refused[2] if refused else self._cause()
        return ResolutionError(
            f"the package index cannot be read{self._wanted(name)}: {cause}",
            where=url,
            hint=_reach_hint(self.stderr, name),
            detail=self._detail(),
        )

    def _wanted(self, name: str) -> str:
        needing = [_quoted(line) for line in self.lines if line.name == name and not line.is_constraint]
        wanted = needing[0] if needing else name
        return f" for {wanted} on {self.target}" if wanted else ""

    def _cause(self) -> str:
        """The innermost cause."""
        causes = _CAUSE.findall(self.stderr)
        return redact_text(causes[-1]) if causes else self._first_line()

    def _unsatisfiable(self) -> LightshipError:
        missing = _MISSING.search(self.stderr)
        absent = _NO_VERSION.search(self.stderr)
        names, where = self._named(self.stderr)
        message = f"no versions satisfy {names} for {self.target}"
        hint = "loosen one of these requirements"
        if missing:
            message = f"no index has {missing[1]}"
            hint = "check its spelling, or name the index or folder that has it in pip's configuration"
        elif absent:
            message = f"no index has {absent[1]}{absent[2]} for {self.target}"
            hint = "ask for another version, or name the index or folder that has it in pip's configuration"
        elif "no usable wheels" in self.stderr or "no wheels with a matching" in self.stderr:
            hint = "ask for a version that has wheels for this Python and platform"
        return UnsatisfiableError(message, where=where, hint=hint, detail=self._detail())

    def _unbuilt(self) -> LightshipError:
        built = _BUILT.search(self.stderr)
        package = built[1] if built and built[1] else "a source distribution"
        return ResolutionError(
            f"the dependencies of {package} are known only after building it, and that failed",
            where=self._named(package)[1],
            hint="ask for a version that has a wheel, or install what its build needs (see below)",
            detail=self._detail(),
        )

    def _named(self, text: str) -> tuple[str, str]:
        """Requirements whose packages `text` names, and where they stand."""
        words = {canonicalize_name(word) for word in _WORD.findall(text)}
        found = [line for line in self.lines if line.name and line.name in words]
        if not found:
            return "the requirements", ""
        listed = [_quoted(line) for line in found[:4]]
        return " and ".join(listed), ", ".join(dict.fromkeys(line.where for line in found[:4]))

    def _first_line(self) -> str:
        text = next((line for line in self.stderr.splitlines() if line.strip()), "uv failed without a word")
        return redact_text(text.removeprefix("error:").strip())

    def _detail(self) -> str:
        searched = f"searched: {', '.join(self.searched)}\n" if self.searched else ""
        return searched + redact_text(textwrap.dedent(self.stderr).strip())


def _project_of(url: str) -> str:
    """The project whose page, or whose file, lies at `url`."""
    last = url.rstrip("/").rpartition("/")[2]
    return canonicalize_name(last.partition("-")[0] if url.endswith((".whl", ".gz", ".zip")) else last)


def _quoted(line: RequirementLine) -> str:
    return f'"{line.text.split(" --")[0].strip()}"'


def _reach_hint(stderr: str, name: str) -> str:
    if "401" in stderr or "403" in stderr:
        return "give credentials in pip's index-url or in ~/.netrc"
    if "UnknownIssuer" in stderr or "certificate" in stderr:
        return "name your certificate bundle in pip's `cert` option or in SSL_CERT_FILE"
    if name in {"torch", "torchvision", "torchaudio"}:
        return (
            "check the network and the proxy; or put a wheel of the wanted build (such as +cpu) for this "
            "target into a folder, and name that in pip's `find-links`"
        )
    return "check the network, the proxy and pip's index-url"
