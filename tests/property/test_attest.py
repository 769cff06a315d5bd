"""What strangers write into their packages' metadata never breaks a bill of materials."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lightship.attest.debian import read_packages, read_synopses
from lightship.attest.distributions import read_distributions
from lightship.attest.licences import canonical, debian_licences, python_licences
from lightship.attest.scan import Documents, Trace
from lightship.fs.entries import Kind
from lightship.oci.overlay import Overlay

NAMES = st.sampled_from(["GPL-2+", "Expat", "BSD-3-clause", "public-domain", "LGPL-2.1", "Artistic", "ISC"])
JOINTS = st.sampled_from([" or ", " and ", ", and ", " and/or ", ", or\n "])
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40)


def documents(path: str, text: str) -> Documents:
    tree: Overlay[Trace] = Overlay()
    data = text.encode("utf-8", "replace")
    tree.place(path, Kind.FILE, "", Trace(path, Kind.FILE, "", data))
    return Documents(tree, {path: data})


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, JOINTS), min_size=1))
def test_joined_licences_are_those_that_were_joined(parts: list[tuple[str, str]]) -> None:
    text = "".join(name + joint for name, joint in parts[:-1]) + parts[-1][0]
    assert debian_licences([text]) == debian_licences([name for name, _ in parts])


@settings(deadline=None)  # the first example imports the list of licences
@given(st.lists(st.text()))
def test_licences_are_names_or_expressions_that_stay_what_they_are(synopses: list[str]) -> None:
    for licence in debian_licences(synopses):
        assert licence == licence.strip()
        assert licence
        assert canonical(licence) in ("", licence)


@settings(deadline=None)
@given(st.text(), st.text(), st.lists(st.text()))
def test_any_metadata_gives_licences(expression: str, text: str, classifiers: list[str]) -> None:
    for licence in python_licences(expression, text, classifiers):
        assert licence
        assert canonical(licence) in ("", licence)


@given(st.text())
def test_any_copyright_file_can_be_read(text: str) -> None:
    assert all(read_synopses(f"Format: copyright-format/1.0\n{text}"))


@given(st.lists(LINES), st.sampled_from(["Depends", "Pre-Depends", "Provides", "Source", "Description"]))
def test_any_status_can_be_read(lines: list[str], field: str) -> None:
    text = "Package: demo\nVersion: 1\nArchitecture: amd64\n" + "".join(f"{field}: {x}\n\n" for x in lines)
    found = read_packages(documents("var/lib/dpkg/status", text), None)
    assert "demo" in [package.name for package in found]


@given(st.lists(LINES), st.sampled_from(["Requires-Dist", "License", "Classifier", "Summary", "X"]))
def test_any_distribution_can_be_read(lines: list[str], field: str) -> None:
    text = "Name: demo\nVersion: 1\n" + "".join(f"{field}: {line}\n" for line in lines)
    (found,) = read_distributions(documents("x/demo-1.dist-info/METADATA", text), "x86_64")
    assert found.name == "demo"
