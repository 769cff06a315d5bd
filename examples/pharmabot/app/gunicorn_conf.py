"""Gunicorn's settings, from the environment: `gunicorn --config python:app.gunicorn_conf`."""

import os

from app.logs import logging_config


def _whole_number(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or int(value) < 1:
        message = f"{name} must be a whole number of at least 1, not {value!r}"
        raise ValueError(message)
    return int(value)


def _heartbeat_folder() -> str | None:
    # In memory where that is possible: a slow disk must not look like a hung worker.
    folders = ("/dev/shm", "/tmp")  # noqa: S108 - gunicorn makes its own files, with random names
    return next((folder for folder in folders if os.access(folder, os.W_OK)), None)


bind = os.environ.get("BIND") or f"0.0.0.0:{_whole_number('PORT', 8000)}"
workers = _whole_number("WORKERS", 2)
timeout = _whole_number("TIMEOUT", 60)
worker_tmp_dir = _heartbeat_folder()
logconfig_dict = logging_config(os.environ.get("LOG_LEVEL") or "INFO")
