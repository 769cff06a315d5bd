from __future__ import annotations

import pytest

from lightship.errors import NetworkError
from lightship.events import SilentReporter
from lightship.oci.layout import LayoutImage
from lightship.oci.model import MEDIA_MANIFEST, Descriptor, Manifest, encode
from lightship.registry import referrers
from lightship.registry.push import push_image
from lightship.registry.referrers import list_referrers
from lightship.registry.wire import Wire
from tests.support.places import Places
from tests.support.registry import Registry
from tests.support.web import body, serving
from tests.unit.registry.conftest import Connect

SBOM = "application/vnd.cyclonedx+json"
EMPTY = "application/vnd.oci.empty.v1+json"


def attach(image: LayoutImage, content: bytes, artifact_type: str = "") -> Descriptor:
    """Make a manifest that refers to an image, in the image's layout."""
    layout = image.layout
    manifest = Manifest(
        schema_version=2,
        media_type=MEDIA_MANIFEST,
        artifact_type=artifact_type,
        config=layout.write(EMPTY if artifact_type else SBOM, b"{}"),
        layers=(layout.write(SBOM, content),),
        annotations={"made": "in a test"},
        subject=Descriptor(MEDIA_MANIFEST, image.descriptor.digest, image.descriptor.size),
    )
    return layout.write(MEDIA_MANIFEST, encode(manifest))


def push(wire: Wire, registry: Registry, image: LayoutImage, descriptor: Descriptor) -> None:
    push_image(
        wire,
        image.layout,
        descriptor,
        registry.repository("app"),
        "",
        places=Places(),
        reporter=SilentReporter(),
    )


@pytest.mark.parametrize("knows", [True, False])
def test_what_refers_to_an_image_is_listed_whether_the_registry_keeps_a_list_or_not(
    registry: Registry,
    connect: Connect,
    image: LayoutImage,
    knows: bool,  # noqa: FBT001
) -> None:
    registry.has_referrers = knows
    wire, repository, subject = connect(), registry.repository("app"), image.descriptor.digest
    push(wire, registry, image, image.descriptor)
    assert list_referrers(wire, repository, subject) == ()
    first, second = attach(image, b"1", "application/first"), attach(image, b"2")
    for descriptor in (first, second, first):
        push(wire, registry, image, descriptor)
    found = list_referrers(wire, repository, subject)
    assert {item.digest: item.artifact_type for item in found} == {
        first.digest: "application/first",
        second.digest: SBOM,
    }
    (chosen,) = list_referrers(wire, repository, subject, "application/first")
    assert chosen.digest == first.digest
    tag = subject.replace(":", "-")
    assert (tag in registry.content("app").tags) is not knows
    assert knows or found[0].annotations == {"made": "in a test"}


def test_a_long_list_comes_in_pages(connect: Connect) -> None:
    index = b'{"schemaVersion":2,"manifests":[{"mediaType":"m","digest":"sha256:%d","size":1}]}'
    with serving() as web:
        host = web.url.removeprefix("http://")
        following = '</v2/app/referrers/x?last=1>; rel="next"'
        web.answers = [body(b"{}"), body(index % 1, Link=following), body(index % 2)]
        repository = Registry(host=host).repository("app")
        found = list_referrers(connect(), repository, "sha256:x")  # type: ignore[arg-type]
        assert [item.digest for item in found] == ["sha256:1", "sha256:2"]
        assert web.paths()[-1] == "/v2/app/referrers/x?last=1"


def test_a_list_without_an_end_is_an_error(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "_MOST_PAGES", 3)
    with serving() as web:
        web.answers = [body(b"{}"), body(b'{"schemaVersion":2,"manifests":[]}', Link="</v2/x>; rel=next")]
        repository = Registry(host=web.url.removeprefix("http://")).repository("app")
        with pytest.raises(NetworkError, match="does not end"):
            list_referrers(connect(), repository, "sha256:x")  # type: ignore[arg-type]
