from __future__ import annotations

import re
from pathlib import Path

import pytest

from lightship.inspect.findings import Rule
from lightship.inspect.rules import RULES
from lightship.oci.unpack import LIMITS
from tests.unit.inspect.gallery.test_gallery import STARTED

PAGE = (Path(__file__).parents[3] / "docs/verify.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (LV\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_rule_has_its_section_in_order() -> None:
    assert list(SECTIONS) == sorted(rule.id for rule in RULES)
    assert len({rule.id[:5] for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_section_says_what_the_rule_says(rule: Rule) -> None:
    text = SECTIONS[rule.id]
    assert f"{rule.title[0].upper()}{rule.title[1:]} ({rule.severity}).\n" in text
    assert f"\n{rule.reason}\n" in text
    assert f"\n{rule.remedy[0].upper()}{rule.remedy[1:]}.\n" in text


def test_the_page_says_the_limits() -> None:
    assert f"{LIMITS.ratio} times" in PAGE
    assert f"{LIMITS.members:,} files" in PAGE
    assert f"{LIMITS.free >> 30} GiB" in PAGE


def test_every_rule_has_its_own_name_a_reason_and_a_remedy() -> None:
    assert all(rule.title and rule.reason.endswith(".") and not rule.remedy.endswith(".") for rule in RULES)
    assert set(STARTED) <= {rule.id[:5] for rule in RULES}
