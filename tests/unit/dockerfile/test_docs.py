from __future__ import annotations

import re
from pathlib import Path

import pytest

from lightship.dockerfile.findings import Rule
from lightship.dockerfile.hadolint import COVERED
from lightship.dockerfile.lint import RULES
from tests.unit.dockerfile.checking import findings, mended

PAGE = (Path(__file__).parents[3] / "docs/lint.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (LD\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def examples(section: str) -> list[str]:
    return [text + "\n" for text in re.findall(r"```dockerfile \w+\n(.*?)\n```", section, re.DOTALL)]


def test_every_rule_has_its_section_in_order() -> None:
    assert list(SECTIONS) == [rule.id for rule in RULES]
    assert len({rule.code for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_section_says_what_the_rule_says(rule: Rule) -> None:
    text = SECTIONS[rule.id]
    assert f"{rule.title[0].upper()}{rule.title[1:]} ({rule.severity})." in text
    assert f"\n{rule.reason}\n" in text
    assert f"\n{rule.remedy[0].upper()}{rule.remedy[1:]}.\n" in text


@pytest.mark.parametrize("name", SECTIONS)
def test_the_example_is_found_before_and_not_after(name: str) -> None:
    before, after = examples(SECTIONS[name])
    fixable = [finding for finding in findings(before) if finding.rule == name and finding.edits]
    assert name in {finding.rule for finding in findings(before)}
    assert findings(after) == ()
    assert bool(fixable) == ("`--fix` mends it" in SECTIONS[name])
    if fixable:
        assert mended(before) == after


def test_the_page_names_the_rules_of_hadolint_that_are_left_out() -> None:
    assert set(COVERED) <= set(re.findall(r"DL\d{4}", PAGE.partition("\n## ")[0]))
