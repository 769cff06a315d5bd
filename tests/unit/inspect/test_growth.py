from __future__ import annotations

import pytest

from lightship.errors import UsageError
from lightship.inspect.compare import Sized
from lightship.inspect.growth import Limit, grown, parse_limit


def sized(unpacked: int | None, compressed: int) -> Sized:
    return Sized("demo", "predicted", unpacked, compressed, 1)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("5%", Limit(part=0.05)),
        (" 2.5 % ", Limit(part=0.025)),
        ("10MB", Limit(bytes=10_000_000)),
        ("0", Limit()),
    ],
)
def test_limits_are_parts_or_sizes(text: str, limit: Limit) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["", "%", "five", "-5%", "5 percent"])
def test_other_limits_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_limit(text)
    assert error.value.where == "--max-growth"


def test_an_image_may_grow_up_to_the_limit() -> None:
    limit = parse_limit("10%")
    allowed = [one.allowed for one in grown([sized(1100, 500)], sized(1000, 500), limit)]
    assert allowed == [True, True]
    refused = [(one.what, one.allowed) for one in grown([sized(1101, 500)], sized(1000, 500), limit)]
    assert refused == [("unpacked", False), ("compressed", True)]
    assert all(one.allowed for one in grown([sized(10, 5)], sized(1000, 500), Limit()))


def test_an_image_that_nobody_unpacked_is_compared_compressed() -> None:
    (one,) = grown([sized(1000, 600)], sized(None, 500), parse_limit("50B"))
    assert (one.what, one.before, one.after, one.allowed) == ("compressed", 500, 600, False)
