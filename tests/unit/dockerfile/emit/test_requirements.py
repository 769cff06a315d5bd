from __future__ import annotations

from lightship.dockerfile.emit.groups import HEAVY, groups_of
from lightship.dockerfile.emit.requirements import requirements_text
from lightship.platform import Platform
from lightship.wheels.model import LockedSdist, LockedWheel

AMD64, ARM64 = Platform("amd64"), Platform("arm64")


def wheel(name: str, digest: str, *, size: int = 1, version: str = "1.0", url: str = "") -> LockedWheel:
    return LockedWheel(name, version, f"{name}-{version}-py3-none-any.whl", url, digest * 64, size)


def test_hashes_of_all_platforms_stand_together() -> None:
    text = requirements_text({AMD64: [wheel("a", "2")], ARM64: [wheel("a", "1")]}, "made")
    assert text == f"# made\na==1.0 \\\n    --hash=sha256:{'1' * 64} \\\n    --hash=sha256:{'2' * 64}\n"


def test_what_one_platform_lacks_has_a_marker() -> None:
    text = requirements_text({AMD64: [], ARM64: [wheel("a", "1")]}, "made")
    assert "a==1.0 ; platform_machine == 'aarch64' \\\n" in text


def test_versions_that_differ_by_platform_have_markers() -> None:
    text = requirements_text({AMD64: [wheel("a", "1")], ARM64: [wheel("a", "2", version="2.0")]}, "made")
    assert "a==1.0 ; platform_machine == 'x86_64'" in text
    assert "a==2.0 ; platform_machine == 'aarch64'" in text


def test_a_build_with_a_local_label_brings_its_index() -> None:
    url = "https://example.com/whl/cpu/torch-2.0%2Bcpu-py3-none-any.whl"
    text = requirements_text({AMD64: [wheel("torch", "1", version="2.0+cpu", url=url)]}, "made")
    assert text.splitlines()[1] == "--extra-index-url https://example.com/whl/cpu"


def test_no_local_folder_and_no_credential_is_written() -> None:
    urls = ("file:///wheels/torch.whl", "https://user:secret@example.com/cpu/torch.whl")
    for url in urls:
        text = requirements_text({AMD64: [wheel("torch", "1", version="2.0+cpu", url=url)]}, "made")
        assert "index" not in text
        assert "secret" not in text


def test_a_wheel_that_is_heavy_on_one_platform_is_heavy_on_all() -> None:
    locked = {"cpu": {AMD64: [wheel("a", "1", size=HEAVY)], ARM64: [wheel("a", "2"), wheel("b", "3")]}}
    heavy, rest = groups_of(locked, "made")
    assert (heavy.name, rest.name) == ("heavy", "wheels")
    assert heavy.texts["cpu"].count("--hash") == 2
    assert "b==1.0 ; platform_machine == 'aarch64'" in rest.texts["cpu"]


def test_sources_are_apart_and_empty_groups_go() -> None:
    sdist = LockedSdist("s", "1.0", "s-1.0.tar.gz", "", "4" * 64, HEAVY)
    groups = groups_of({"none": {AMD64: [sdist]}, "cpu": {AMD64: [wheel("s", "1")]}}, "made")
    assert [(group.name, group.sources, group.is_full) for group in groups] == [
        ("source", True, True),
        ("wheels", False, False),
    ]
