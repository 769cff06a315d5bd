"""Secrets in the image's configuration: variables, labels, and what history tells of build arguments."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.secrets import Kind, in_text

SECRET = Rule(
    "LV341-secret-in-configuration",
    "no variable, label or build step holds a secret",
    Severity.ERROR,
    "The configuration is the first thing that a registry shows, build arguments in the history included.",
    "hand it over at run time, or to a build step as a secret mount; revoke this one",
)
CHANCE = Rule(
    "LV342-possible-secret-in-configuration",
    "no variable, label or build step holds what may be a secret",
    Severity.WARNING,
    "A value that only chance would write, under such a name, is a secret more often than not.",
    "hand it over at run time if it is one, else accept it: `ignore` with its place and the reason",
)
RULES = (SECRET, CHANCE)


def check(contents: Contents) -> Iterator[Finding]:
    for where, text in _texts(contents):
        for sighting in in_text(text):
            rule = CHANCE if sighting.kind is Kind.CHANCE else SECRET
            yield rule.finding(where, f"holds {sighting.what}" if rule is SECRET else sighting.what)


def _texts(contents: Contents) -> Iterator[tuple[str, str]]:
    execution = contents.config.config
    for item in execution.env:
        yield f"Env {item.partition('=')[0]}", item
    for name, text in execution.labels.items():
        yield f"Labels {name}", f"{name}={text}"
    for number, word in enumerate(execution.argv):
        yield f"Cmd {number}", word
    for number, step in enumerate(contents.config.history, 1):
        yield f"History {number}", f"{step.created_by} {step.comment}"
