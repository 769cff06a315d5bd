"""Secrets in files of any layer, also of those that a later layer removes: whoever has the image has them."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.secrets import Kind

_REASON = "Whoever can pull the image has it, from any of its layers, and it stays in registries and caches."
_REMEDY = "hand it over at run time (a variable, a mounted file), or to a build step as a secret; revoke it"
TOKEN = Rule("LV331-secret-in-file", "no file holds a token", Severity.ERROR, _REASON, _REMEDY)
KEY = Rule("LV332-private-key", "no file holds a private key", Severity.ERROR, _REASON, _REMEDY)
PASSWORD = Rule(
    "LV333-credentials-in-file",
    "no file holds credentials",
    Severity.ERROR,
    "An index, a repository or a database is open to whoever can pull the image.",
    "mount pip.conf, .netrc or git's configuration as a secret of the build step that needs it; revoke these",
)
CHANCE = Rule(
    "LV334-possible-secret-in-file",
    "no configuration file holds what may be a secret",
    Severity.WARNING,
    "A value that only chance would write, in a file of settings, is a secret more often than not.",
    "hand it over at run time if it is one, else accept it: `ignore` with this file and the reason",
)
RULES = (TOKEN, KEY, PASSWORD, CHANCE)
_RULES = {Kind.TOKEN: TOKEN, Kind.KEY: KEY, Kind.PASSWORD: PASSWORD, Kind.CHANCE: CHANCE}


def check(contents: Contents) -> Iterator[Finding]:
    for index, member in contents.files():
        for sighting in contents.scans[index].sightings.get(member.number, ()):
            words = f"{sighting.what}, in line {sighting.line}"
            if not contents.is_visible(index, member):
                words += f"; a later layer hides the file, which is still in {contents.layer_name(index)}"
            yield _RULES[sighting.kind].finding(member.path, words)
