"""The command that serves a web application, with what is installed."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from lightship.project.application import DJANGO, Application
from lightship.project.programs import ANYWHERE


def serving(application: Application, installed: AbstractSet[str], port: int) -> tuple[str, ...]:
    """Give the command, without a shell; `installed` has the normalised names of requirements (PEP 503)."""
    target, bind = application.target, f"{ANYWHERE}:{port}"
    if application.framework == DJANGO and "gunicorn" not in installed and "uvicorn" in installed:
        return _uvicorn(target.replace(".wsgi:", ".asgi:"), port)
    if application.asgi:
        return _asgi(application, installed, port)
    if "gunicorn" not in installed and "waitress" in installed:
        call = ("--call",) if application.is_factory else ()
        return ("waitress-serve", f"--listen={bind}", *call, target)
    if needs_server(application, installed) and application.framework == "Flask":
        return ("flask", "--app", target, "run", "--host", ANYWHERE, "--port", str(port))
    if needs_server(application, installed) and application.framework == DJANGO:
        return ("python", "manage.py", "runserver", "--noreload", bind)
    return ("gunicorn", _called(application), "--bind", bind)


def needs_server(application: Application, installed: AbstractSet[str]) -> bool:
    """Whether only the framework's own server is there, which is for development."""
    known = {"gunicorn", "waitress", *(("uvicorn",) if application.framework == DJANGO else ())}
    return not application.asgi and not known & installed


def _asgi(application: Application, installed: AbstractSet[str], port: int) -> tuple[str, ...]:
    target, bind = application.target, f"{ANYWHERE}:{port}"
    factory = ("--factory",) if application.is_factory else ()
    if {"gunicorn", "uvicorn"} <= installed:
        worker = "uvicorn.workers.UvicornWorker"
        return ("gunicorn", _called(application), "--worker-class", worker, "--bind", bind)
    if "uvicorn" not in installed and "hypercorn" in installed:
        return ("hypercorn", _called(application), "--bind", bind)
    if "uvicorn" not in installed and "granian" in installed:
        options = ("--interface", "asgi", *factory, "--host", ANYWHERE, "--port", str(port))
        return ("granian", target, *options)
    return (*_uvicorn(target, port), *factory)


def _called(application: Application) -> str:
    return f"{application.target}()" if application.is_factory else application.target


def _uvicorn(target: str, port: int) -> tuple[str, ...]:
    return ("uvicorn", target, "--host", ANYWHERE, "--port", str(port))
