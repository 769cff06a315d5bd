"""Where pip is configured to find packages, and how to tell uv, which does not read that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lightship.errors import UsageError
from lightship.net.redact import strip_credentials, userinfo

_TRUE = {"y", "yes", "t", "true", "on", "1"}
_FALSE = {"n", "no", "f", "false", "off", "0"}


@dataclass(frozen=True, slots=True)
class PipConfig:
    """What of pip's configuration decides where packages come from.

    `index_url` is empty where pip's own default counts. `find_links` are folders or URLs; URLs may hold
    credentials, so this value is never shown. `timeout` is in seconds.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    cert: Path | None = None
    client_cert: Path | None = None
    no_index: bool = False
    timeout: float | None = None
    constraints: tuple[str, ...] = ()
    proxy: str = ""
    pre: bool = False

    @property
    def index_urls(self) -> tuple[str, ...]:
        """Configured indexes, pip's default left out; none where `no_index` is set."""
        return () if self.no_index else tuple(filter(None, (self.index_url, *self.extra_index_urls)))


def read_pip_config(
    environ: Mapping[str, str], *, home: Path, prefix: Path | None, system: Path = Path("/etc")
) -> PipConfig:
    """Read pip's files and `PIP_*` variables with pip's precedence.

    `prefix` is the environment whose `pip.conf` counts (pip's "site" file); `system` holds the global one.

    Raises:
        UsageError: if a file cannot be read, or an option has a value of the wrong kind.

    """
    from lightship.net.pipfiles import read_settings

    options = read_settings(environ, home=home, prefix=prefix, system=system)
    return PipConfig(
        index_url=options.get("index-url") or options.get("pypi-url", ""),
        extra_index_urls=_words(options, "extra-index-url"),
        find_links=tuple(_expand(link, home) for link in _words(options, "find-links")),
        trusted_hosts=_words(options, "trusted-host"),
        cert=_path(options, "cert", home),
        client_cert=_path(options, "client-cert", home),
        no_index=_flag(options, "no-index"),
        timeout=_seconds(options),
        constraints=_words(options, "constraint"),
        proxy=options.get("proxy", ""),
        pre=_flag(options, "pre"),
    )


def uv_arguments(config: PipConfig) -> list[str]:
    """Flags that make uv look where pip would; credentials go through `uv_environment` instead.

    pip takes the best version from all indexes together. uv by default stops at the first index that knows
    the name (against dependency confusion), which would resolve differently from the `pip install` that the
    configuration was written for: with several indexes it is told to do as pip does.
    """
    arguments = ["--no-index"] if config.no_index else _index_arguments(config)
    for link in config.find_links:
        if userinfo(link) is None:
            arguments += ["--find-links", link]
    for host in config.trusted_hosts:
        arguments += ["--allow-insecure-host", host]
    for constraint in config.constraints:
        arguments += ["--constraints", constraint]
    return [*arguments, *(["--prerelease", "allow"] if config.pre else [])]


def uv_environment(config: PipConfig) -> dict[str, str]:
    """Variables for uv that must not stand on a command line, which every user of the machine can read."""
    variables = {
        _cert_variable(config.cert): str(config.cert or ""),
        "SSL_CLIENT_CERT": str(config.client_cert or ""),
        "UV_HTTP_TIMEOUT": str(int(config.timeout)) if config.timeout else "",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), config.proxy),
        "UV_FIND_LINKS": ",".join(link for link in config.find_links if userinfo(link)),
    }
    for name, _, url in _named_indexes(config):
        secret = userinfo(url)
        if secret:
            variables[f"UV_INDEX_{name.upper()}_USERNAME"] = secret[0]
            variables[f"UV_INDEX_{name.upper()}_PASSWORD"] = secret[1]
    return {name: value for name, value in variables.items() if value}


def _cert_variable(cert: Path | None) -> str:
    return "SSL_CERT_DIR" if cert is not None and cert.is_dir() else "SSL_CERT_FILE"


def _index_arguments(config: PipConfig) -> list[str]:
    arguments = []
    for name, flag, url in _named_indexes(config):
        # Only an index with a name can be given its credentials through the environment.
        label = f"{name}=" if userinfo(url) else ""
        arguments += [flag, label + strip_credentials(url)]
    if config.extra_index_urls:
        arguments += ["--index-strategy", "unsafe-best-match"]
    return arguments


def _named_indexes(config: PipConfig) -> Iterator[tuple[str, str, str]]:
    if config.index_url:
        yield "pip", "--default-index", config.index_url
    for number, url in enumerate(config.extra_index_urls, 1):
        yield f"pip{number}", "--index", url


def _words(options: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(options.get(name, "").split())


def _expand(path: str, home: Path) -> str:
    return str(home / path.removeprefix("~/")) if path.startswith("~/") else path


def _path(options: Mapping[str, str], name: str, home: Path) -> Path | None:
    value = options.get(name)
    return Path(_expand(value, home)) if value else None


def _flag(options: Mapping[str, str], name: str) -> bool:
    value = options.get(name, "no").lower()
    if value not in _TRUE | _FALSE:
        raise UsageError(
            f"pip's option {name} is {value!r}", where="pip's configuration", hint="write true or false"
        )
    return value in _TRUE


def _seconds(options: Mapping[str, str]) -> float | None:
    value = options.get("timeout") or options.get("default-timeout")
    try:
        return float(value) if value else None
    except ValueError as error:
        raise UsageError(
            f"pip's option timeout is {value!r}",
            where="pip's configuration",
            hint="write a number of seconds",
        ) from error
