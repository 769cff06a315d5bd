from __future__ import annotations

import pytest

from lightship.attest.licences import CLASSIFIERS, canonical, debian_licence, debian_licences, python_licences


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-3", "GPL-3.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("AGPL-3", "AGPL-3.0-only"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("Apache-2.0", "Apache-2.0"),
        ("zlib", "Zlib"),
        ("public-domain", "public-domain"),
        ("GPL-2+ with OpenSSL exception", "GPL-2+ with OpenSSL exception"),
        ("GPL-1.7", "GPL-1.7"),
    ],
)
def test_debians_names_are_translated_where_spdx_has_one(name: str, identifier: str) -> None:
    assert debian_licence(name) == identifier


def test_joined_names_are_single_licences() -> None:
    assert debian_licences(["GPL-2+ or Artistic, and BSD-3-clause", "GPL-2+ and/or ISC", ""]) == (
        "Artistic-1.0-Perl",
        "BSD-3-Clause",
        "GPL-2.0-or-later",
        "ISC",
    )


def test_the_first_field_that_counts_is_taken() -> None:
    mit = "License :: OSI Approved :: MIT License"
    assert python_licences("mit or apache-2.0", "BSD", [mit]) == ("MIT OR Apache-2.0",)
    assert python_licences("Not SPDX at all!", "", []) == ("Not SPDX at all!",)
    assert python_licences("", "bsd-3-clause", [mit]) == ("BSD-3-Clause",)
    assert python_licences("", "see LICENSE", [mit, "License :: OSI Approved"]) == ("MIT",)
    assert python_licences("", "", ["License :: OSI Approved :: BSD License", mit]) == ("BSD License", "MIT")
    assert python_licences("", "see LICENSE", ["Topic :: Other"]) == ("see LICENSE",)
    assert python_licences("", "Permission is hereby granted\nto do nothing", []) == ()


def test_every_classifier_stands_for_a_licence_of_spdx() -> None:
    assert [text for text in CLASSIFIERS.values() if canonical(text) != text] == []
