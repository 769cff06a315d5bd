"""The build machine as the library sees it: everything that is not in the project or the lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.build.cache import FileDigests, Memo
from lightship.build.home import Home, find_home
from lightship.build.sharing import NoCaches, SharedLayers
from lightship.errors import UsageError
from lightship.events import Reporter
from lightship.fs.tar import EPOCH
from lightship.net.transport import Transport
from lightship.platform import Platform, platform_of

if TYPE_CHECKING:
    from lightship.net.pipconf import PipConfig
    from lightship.registry.wire import Wire


def no_registries() -> Wire:
    """Speak with no registry, as where nobody said how."""
    raise UsageError("this machine is not set up to speak with registries")


@dataclass(frozen=True)
class Machine:
    """Environment, user, clock and reporter, passed in; caches and the network, made from them when needed.

    `user` is the home directory, `prefix` the Python environment that Lightship runs in (pip's site file),
    `build_seconds` the limit of each build from source. `shared` knows of layers that others have made,
    `registries` gives a client that whoever made the machine closes.
    """

    environ: Mapping[str, str]
    user: Path
    prefix: Path
    clock: Callable[[], datetime]
    reporter: Reporter
    offline: bool = False
    build_seconds: float = 1800.0
    shared: SharedLayers = field(default_factory=NoCaches)
    registries: Callable[[], Wire] = no_registries

    @property
    def platform(self) -> Platform | None:
        """What runs here; None on a processor that Lightship does not build for."""
        return platform_of(os.uname().machine)

    @cached_property
    def home(self) -> Home:
        return find_home(self.environ, self.user)

    @property
    def file_digests(self) -> FileDigests:
        """Digests of big files, remembered from run to run."""
        return FileDigests(Memo(self.home.cache / "files"))

    @cached_property
    def pip(self) -> PipConfig:
        from lightship.net.pipconf import read_pip_config

        return read_pip_config(self.environ, home=self.user, prefix=self.prefix)

    @cached_property
    def transport(self) -> Transport:
        from lightship.net.credentials import read_credentials
        from lightship.net.http import HttpTransport
        from lightship.net.settings import http_settings

        credentials = read_credentials(self.pip, environ=self.environ, home=self.user)
        return HttpTransport(http_settings(self.pip, self.environ), credentials=credentials)

    @property
    def created(self) -> str:
        """RFC 3339 time stamp of images: `SOURCE_DATE_EPOCH` (reproducible-builds.org), or a fixed one.

        Raises:
            UsageError: if the variable holds no number of seconds.

        """
        text = self.environ.get("SOURCE_DATE_EPOCH", "") or str(EPOCH)
        try:
            from datetime import UTC

            return datetime.fromtimestamp(int(text), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (ValueError, OverflowError, OSError):
            raise UsageError(
                f"SOURCE_DATE_EPOCH={text!r} is not a time", hint="set it to seconds since 1970, or unset it"
            ) from None
