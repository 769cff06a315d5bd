from __future__ import annotations

import pytest

from lightship.errors import UsageError
from lightship.oci.user import Identity, resolve_user

PASSWD = "# comment\nroot:x:0:0:root:/root:/bin/sh\napp:x:1001:1002::/home/app:\nbroken\n5:x:7:8::/five:\n"
GROUP = "root:x:0:\nstaff:x:50:app\n"


@pytest.mark.parametrize(
    ("user", "identity"),
    [
        ("", Identity(0, 0, "/root")),
        ("app", Identity(1001, 1002, "/home/app")),
        ("1001", Identity(1001, 1002, "/home/app")),
        ("app:staff", Identity(1001, 50, "/home/app")),
        ("app:7", Identity(1001, 7, "/home/app")),
        ("2000", Identity(2000, 0)),
        ("2000:3000", Identity(2000, 3000)),
        ("5", Identity(7, 8, "/five")),
    ],
)
def test_users_are_looked_up_as_engines_do(user: str, identity: Identity) -> None:
    assert resolve_user(user, passwd=PASSWD, group=GROUP) == identity


@pytest.mark.parametrize("user", ["nobody", "app:wheel", "-1", "99999999999", "\u0661"])
def test_who_is_not_known_is_refused(user: str) -> None:
    with pytest.raises(UsageError, match="does not know"):
        resolve_user(user, passwd=PASSWD, group=GROUP)
