from __future__ import annotations

from itertools import permutations

import pytest

from lightship.debs.index import PackageIndex
from lightship.debs.model import InstalledDeb
from lightship.debs.solve import solve
from lightship.debs.unneeded import UNNEEDED
from lightship.errors import ResolutionError
from tests.unit.debs.forge import stanza


def names(wanted: str, *stanzas: str) -> str:
    index = PackageIndex([("main", "".join(stanzas).encode())])
    return " ".join(package.name for package in solve(index, wanted.split(), architecture="amd64"))


def test_depends_and_pre_depends_are_followed_but_not_recommends() -> None:
    app = stanza("app", Depends="b", Pre_Depends="c", Recommends="d", Suggests="d")
    assert names("app", app, stanza("b", Depends="e"), stanza("c"), stanza("d"), stanza("e")) == "app b c e"


def test_what_is_installed_is_counted_on_and_not_in_the_answer() -> None:
    index = PackageIndex(
        [
            ("main", text.encode())
            for text in (
                stanza("app", Depends="b (>= 2), mail, d"),
                stanza("b", "3", Depends="c"),
                stanza("c"),
                stanza("d", Depends="b"),
                stanza("exim", Provides="mail"),
            )
        ]
    )
    there = [InstalledDeb("b", "2.1", "amd64"), InstalledDeb("postfix", "1", "amd64", (("mail", ""),))]
    found = solve(index, ["app", "b"], architecture="amd64", installed=there)
    assert [package.name for package in found] == ["app", "d"]


def test_what_is_installed_and_too_old_is_named() -> None:
    index = PackageIndex([("main", (stanza("app", Depends="b (>= 2)") + stanza("b", "3")).encode())])
    with pytest.raises(ResolutionError, match=r"app 1 needs b \(>= 2\), and the base has b 1") as error:
        solve(index, ["app"], architecture="amd64", installed=[InstalledDeb("b", "1", "amd64")])
    assert error.value.hint == "take a newer image as base"


def test_circles_end() -> None:
    assert names("a", stanza("a", Depends="b"), stanza("b", Depends="a")) == "a b"


def test_the_first_alternative_that_exists_is_taken() -> None:
    assert names("a", stanza("a", Depends="gone | b | c"), stanza("b"), stanza("c")) == "a b"


def test_an_alternative_that_is_chosen_already_is_enough() -> None:
    both = [stanza("b"), stanza("c")]
    assert names("a c", stanza("a", Depends="b | c"), *both) == "a c"
    assert names("a", stanza("a", Depends="b | c, d"), stanza("d", Depends="c"), *both) == "a c d"


def test_an_alternative_must_have_the_version() -> None:
    assert names("a", stanza("a", Depends="b (>= 2) | c"), stanza("b", "1"), stanza("c")) == "a c"


def test_the_newest_version_that_will_do_is_taken() -> None:
    index = PackageIndex([("main", (stanza("b", "1") + stanza("b", "3") + stanza("b", "2")).encode())])
    index_with = PackageIndex(
        [("main", (stanza("a", Depends="b (<< 3)") + "".join(stanza("b", v) for v in "132")).encode())]
    )
    assert solve(index, ["b"], architecture="amd64")[0].version == "3"
    assert solve(index_with, ["a"], architecture="amd64")[1].version == "2"


def test_virtual_packages_are_provided() -> None:
    assert names("a", stanza("a", Depends="v"), stanza("b", Provides="v")) == "a b"


def test_a_real_package_comes_before_one_that_provides_it() -> None:
    assert names("a", stanza("a", Depends="v"), stanza("b", Provides="v"), stanza("v")) == "a v"


def test_of_providers_the_more_important_is_taken_then_the_first_name() -> None:
    low = [stanza("b", Provides="v", Priority="extra"), stanza("d", Provides="v"), stanza("c", Provides="v")]
    assert names("a", stanza("a", Depends="v"), *low) == "a c"
    assert names("a", stanza("a", Depends="v"), *low, stanza("z", Provides="v", Priority="required")) == "a z"


def test_a_versioned_dependency_needs_a_versioned_provides() -> None:
    providers = [stanza("b", Provides="v"), stanza("c", Provides="v (= 2)")]
    assert names("a", stanza("a", Depends="v (>= 2)"), *providers) == "a c"


@pytest.mark.parametrize("qualifier", ["any", "amd64"])
def test_the_platforms_own_architecture_satisfies_a_qualifier(qualifier: str) -> None:
    assert names("a", stanza("a", Depends=f"b:{qualifier}"), stanza("b")) == "a b"


def test_another_architecture_satisfies_nothing() -> None:
    with pytest.raises(ResolutionError, match="b:i386"):
        names("a", stanza("a", Depends="b:i386"), stanza("b"))


def test_a_chosen_package_does_not_stand_for_another_architecture() -> None:
    with pytest.raises(ResolutionError, match="b:i386"):
        names("a b", stanza("a", Depends="b:i386"), stanza("b"))


def test_alternatives_that_were_all_chosen_in_other_versions_are_an_error() -> None:
    stanzas = [stanza("a", Depends="c (<< 2) | d (<< 2), b"), stanza("b", Depends="c (>= 2), d (>= 2)")]
    stanzas += [stanza(name, version) for name in "cd" for version in "12"]
    with pytest.raises(ResolutionError, match=r"c \(<< 2\) \| d \(<< 2\)"):
        names("a", *stanzas)


def test_a_virtual_package_can_be_asked_for() -> None:
    assert names("v", stanza("b", Provides="v")) == "b"
    assert names("v c", stanza("b", Provides="v"), stanza("c", Provides="v")) == "c"
    assert names("v c", stanza("v"), stanza("c", Provides="v")) == "c v"


def test_an_option_that_excludes_a_chosen_package_is_avoided() -> None:
    assert names(
        "a x", stanza("a", Depends="b | c"), stanza("b", Conflicts="x"), stanza("c"), stanza("x")
    ) == ("a c x")


def test_the_order_of_names_does_not_matter() -> None:
    stanzas = [
        stanza("a", Depends="v | d"),
        stanza("b", Depends="d | c"),
        stanza("c", Provides="v"),
        stanza("d", Depends="v"),
        stanza("e", Provides="v"),
    ]
    assert len({names(" ".join(order), *stanzas) for order in permutations("abd")}) == 1


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ResolutionError) as caught:
        names("libpq", stanza("libpq5"), stanza("other"))
    assert "libpq5" in caught.value.hint
    assert caught.value.exit_code == 3


def test_a_name_like_no_other_is_just_unknown() -> None:
    with pytest.raises(ResolutionError, match="no package 'zzz'"):
        names("zzz", stanza("libpq5"))


def test_what_is_missing_names_the_chain_of_who_wanted_it() -> None:
    with pytest.raises(ResolutionError) as caught:
        names(
            "app",
            stanza("app", Depends="lib"),
            stanza("lib", "3", Depends="gone (>= 2)"),
            stanza("gone", "1"),
        )
    assert "gone (>= 2)" in caught.value.message
    assert "lib 3" in caught.value.message
    assert caught.value.detail == "needed by lib ← app"
    assert "gone 1" in caught.value.hint


def test_a_version_that_is_chosen_already_and_will_not_do_is_an_error() -> None:
    stanzas = [stanza("a", Depends="c (<< 2)"), stanza("b", Depends="c"), stanza("c", "1"), stanza("c", "2")]
    with pytest.raises(ResolutionError, match=r"c \(<< 2\)"):
        names("a c", *stanzas)


@pytest.mark.parametrize("field", ["Conflicts", "Breaks"])
def test_packages_that_exclude_each_other_are_named(field: str) -> None:
    stanzas = [stanza("a", Depends="c"), stanza("b", **{field: "c (<< 2)"}), stanza("c", "1")]
    with pytest.raises(ResolutionError) as caught:
        names("a b", *stanzas)
    assert "b 1 and c 1" in caught.value.message
    assert "c ← a" in caught.value.detail


def test_a_package_may_conflict_with_what_it_provides_itself() -> None:
    assert names("a", stanza("a", Provides="v", Conflicts="v")) == "a"


def test_what_only_maintainer_scripts_call_is_left_out() -> None:
    stanzas = [
        stanza("ca-certificates", Depends="openssl (>= 1), debconf (>= 0.5) | debconf-2.0"),
        stanza("base-files", Pre_Depends="awk"),
        stanza("readline-common", Depends="dpkg (>= 1.15.4) | install-info"),
        *(stanza(name) for name in ("openssl", "debconf", "dpkg", "mawk")),
    ]
    wanted = "base-files ca-certificates readline-common"
    assert names(wanted, *stanzas) == wanted


def test_what_is_asked_for_or_needed_by_another_is_never_left_out() -> None:
    stanzas = [
        stanza("ca-certificates", Depends="openssl, debconf"),
        stanza("app", Depends="openssl"),
        *(stanza(name) for name in ("openssl", "debconf")),
    ]
    assert names("ca-certificates app", *stanzas) == "app ca-certificates openssl"
    assert names("ca-certificates debconf", *stanzas) == "ca-certificates debconf"


def test_the_packaging_tools_keep_dpkg() -> None:
    assert names("dpkg-dev", stanza("dpkg-dev", Depends="dpkg"), stanza("dpkg")) == "dpkg dpkg-dev"


def test_no_library_is_ever_unneeded() -> None:
    assert not [rule.package for rule in UNNEEDED if rule.package.startswith("lib")]
    assert all(rule.reason for rule in UNNEEDED)
