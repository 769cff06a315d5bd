from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.targets import check_fit
from lightship.errors import ResolutionError
from tests.support.suites import make_suite
from tests.unit.debs.forge import stanza

STANZAS = (
    stanza("libpython", "3.11.2-6"),
    stanza("python", "3.11.2-6", Depends="libpython (= 3.11.2-6), libc6 (>= 2.36), libc6 (>= 9) | libc6"),
)


@pytest.mark.parametrize(("version", "fits"), [("3.11.2-6", True), ("3.11.2-5", False)])
def test_packages_of_a_target_must_do_with_what_production_is_locked_with(
    tmp_path: Path, version: str, *, fits: bool
) -> None:
    suite = make_suite(tmp_path, STANZAS, {})
    own, there = suite.index.candidates("python")[0].deb, {"libpython": version, "libc6": "2.36-9"}
    if fits:
        check_fit(suite, [own], there)
        return
    with pytest.raises(ResolutionError, match=r"python 3\.11\.2-6 needs libpython") as caught:
        check_fit(suite, [own], there)
    assert "3.11.2-5" in caught.value.message
    assert "`lightship lock`" in caught.value.hint
