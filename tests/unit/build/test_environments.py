from __future__ import annotations

import hashlib
import os
from pathlib import Path

from lightship.build.environments import prepare_environment
from lightship.events import SilentReporter
from lightship.wheels.model import LockedWheel
from tests.support.wheels import filename, wheel_bytes


def test_wheels_are_laid_out_once_with_launchers_that_run_where_stages_see_them(tmp_path: Path) -> None:
    data = wheel_bytes(
        "demo", "1.0", {"demo.py": b"x = 1\n"}, entry_points="[console_scripts]\ndemo = demo:x\n"
    )
    path = tmp_path / filename("demo", "1.0")
    path.write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    wheel = LockedWheel("demo", "1.0", path.name, path.as_uri(), sha256)

    def prepare(*wheels: LockedWheel) -> Path:
        return prepare_environment(
            wheels, {sha256: path}, python="3.11", cache=tmp_path / "cache", reporter=SilentReporter()
        )

    made = prepare(wheel)
    assert (made / "lib/python3.11/site-packages/demo.py").read_bytes() == b"x = 1\n"
    assert (made / "bin/demo").read_text().startswith("#!/run/environment/bin/python\n")
    assert os.access(made / "bin/demo", os.X_OK)
    assert str((made / "bin/python").readlink()) == "/usr/bin/python3.11"
    path.unlink()
    assert prepare(wheel) == made
    empty = prepare()
    assert empty != made
    assert (empty / "pyvenv.cfg").is_file()
