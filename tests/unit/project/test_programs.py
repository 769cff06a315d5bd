"""What is started where a project has no configuration and no web application at a usual place."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightship.errors import UsageError
from lightship.project.config import Config
from lightship.project.detect import read_project
from tests.unit.project.test_detect import FASTAPI, make

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
MAIN = 'def main(): ...\nif __name__ == "__main__":\n    main()\n'
ADDRESS = "0.0.0.0"  # noqa: S104
DJANGO = {
    "manage.py": MAIN,
    "shop/__init__.py": "",
    "shop/settings.py": "",
    "shop/wsgi.py": "from django.core.wsgi import *\napplication = get_wsgi_application()\n",
    "shop/asgi.py": "from django.core.asgi import *\napplication = get_asgi_application()\n",
}


def detected(folder: Path, requirements: str, files: dict[str, str]) -> Config:
    return read_project(make(folder, {"requirements.txt": requirements, **files})).config


def test_streamlit_serves_its_script(tmp_path: Path) -> None:
    files = {"app.py": "import streamlit as st\n", "pages/Two.py": "", ".streamlit/config.toml": ""}
    config = detected(tmp_path, "streamlit\n", files)
    assert config.command[:3] == ("streamlit", "run", "app.py")
    assert config.command[3:7] == ("--server.address", ADDRESS, "--server.port", "8501")
    assert (config.ports, config.health) == ((8501,), "http://:8501/_stcore/health")
    assert config.sources == (".streamlit/", "app.py", "pages/")


def test_gradio_is_told_where_to_listen(tmp_path: Path) -> None:
    files = {
        "demo.py": "import gradio as gr\ngr.Interface(...).launch()\n",
        "lightship.toml": "ports = [9000]\n",
    }
    config = detected(tmp_path, "gradio\n", files)
    assert config.command == ("python", "demo.py")
    assert config.env["GRADIO_SERVER_NAME"] == ADDRESS
    assert config.env["GRADIO_SERVER_PORT"] == "9000"
    assert (config.health, config.stop_signal) == ("http://:9000/", "SIGINT")


def test_a_web_application_that_mounts_gradio_is_the_web_application(tmp_path: Path) -> None:
    config = detected(tmp_path, "fastapi\nuvicorn\ngradio\n", {"main.py": f"import gradio\n{FASTAPI}"})
    assert config.command[:2] == ("uvicorn", "main:app")


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"main.py": "print()\n"}, ("python", "main.py")),
        ({"app.py": "import os\n", "worker.py": MAIN}, ("python", "worker.py")),
        ({"bot/__init__.py": "", "bot/__main__.py": "print()\n"}, ("python", "-m", "bot")),
    ],
)
def test_a_script_or_a_package_is_started_with_python(
    tmp_path: Path, files: dict[str, str], command: tuple[str, ...]
) -> None:
    config = detected(tmp_path, "numpy\n", files)
    assert config.command == command
    assert (config.ports, config.health, config.stop_signal) == ((), "", "SIGINT")


def test_a_script_with_a_handler_of_its_own_gets_sigterm(tmp_path: Path) -> None:
    text = f"import signal\nsignal.signal(signal.SIGTERM, print)\n{MAIN}"
    assert detected(tmp_path, "numpy\n", {"worker.py": text}).stop_signal == ""


def test_the_only_console_script_of_a_project_is_started(tmp_path: Path) -> None:
    text = '[project]\nname = "work"\ndependencies = []\n[project.scripts]\nwork = "work.cli:main"\n'
    folder = make(tmp_path, {"pyproject.toml": text, "src/work/__init__.py": "", "src/work/cli.py": MAIN})
    config = read_project(folder).config
    assert config.command == ("python", "-c", "import sys; from work.cli import main; sys.exit(main())")
    assert config.env == {"PYTHONPATH": "/app/src"}
    assert config.sources == ("src/work/",)


@pytest.mark.parametrize(
    "scripts", ['a = "work:main"\nb = "work:main"', 'work = "work.cli:main [extra]"', 'work = "work"']
)
def test_a_choice_of_scripts_is_the_users(tmp_path: Path, scripts: str) -> None:
    text = f'[project]\nname = "work"\ndependencies = []\n[project.scripts]\n{scripts}\n'
    with pytest.raises(UsageError, match="found nothing to start"):
        read_project(make(tmp_path, {"pyproject.toml": text, "work.py": ""}))


@pytest.mark.parametrize(
    ("requirements", "command"),
    [
        ("flask\nwaitress\n", ("waitress-serve", f"--listen={ADDRESS}:8000", "app:app")),
        ("flask\n", ("flask", "--app", "app:app", "run", "--host", ADDRESS, "--port", "8000")),
    ],
)
def test_what_serves_flask(tmp_path: Path, requirements: str, command: tuple[str, ...]) -> None:
    assert detected(tmp_path, requirements, {"app.py": FLASK}).command == command


def test_a_server_for_development_is_said(tmp_path: Path) -> None:
    folder = make(tmp_path, {"requirements.txt": "flask\n", "app.py": FLASK})
    assert (
        "served for development only: Flask needs a server such as gunicorn" in read_project(folder).found[-1]
    )


@pytest.mark.parametrize(
    ("requirements", "command"),
    [
        ("django\ngunicorn\n", ("gunicorn", "shop.wsgi:application", "--bind", f"{ADDRESS}:8000")),
        ("django\nuvicorn\n", ("uvicorn", "shop.asgi:application", "--host", ADDRESS, "--port", "8000")),
        ("django\n", ("python", "manage.py", "runserver", "--noreload", f"{ADDRESS}:8000")),
    ],
)
def test_what_serves_django(tmp_path: Path, requirements: str, command: tuple[str, ...]) -> None:
    config = detected(tmp_path, requirements, DJANGO)
    assert config.command == command
    assert config.sources == ("manage.py", "shop/")


@pytest.mark.parametrize(
    ("requirements", "command"),
    [
        ("fastapi\nhypercorn\n", ("hypercorn", "main:app", "--bind", f"{ADDRESS}:8000")),
        (
            "litestar\ngranian\n",
            ("granian", "main:app", "--interface", "asgi", "--host", ADDRESS, "--port", "8000"),
        ),
    ],
)
def test_what_serves_asgi(tmp_path: Path, requirements: str, command: tuple[str, ...]) -> None:
    assert detected(tmp_path, requirements, {"main.py": FASTAPI}).command == command


@pytest.mark.parametrize(
    ("requirements", "body", "command"),
    [
        ("fastapi\nuvicorn\n", "FastAPI()", ("uvicorn", "app:create_app", "--host")),
        ("fastapi\nuvicorn\ngunicorn\n", "FastAPI()", ("gunicorn", "app:create_app()", "--worker-class")),
        ("flask\ngunicorn\n", "Flask(__name__)", ("gunicorn", "app:create_app()", "--bind")),
        ("flask\n", "Flask(__name__)", ("flask", "--app", "app:create_app")),
        ("flask\nwaitress\n", "Flask(__name__)", ("waitress-serve", f"--listen={ADDRESS}:8000", "--call")),
        ("fastapi\nhypercorn\n", "FastAPI()", ("hypercorn", "app:create_app()", "--bind")),
    ],
)
def test_a_function_that_makes_the_application(
    tmp_path: Path, requirements: str, body: str, command: tuple[str, ...]
) -> None:
    route = '    @app.get("/health")\n    def health(): ...\n'
    files = {"app/__init__.py": f"def create_app():\n    app = {body}\n{route}    return app\n"}
    config = detected(tmp_path, requirements, files)
    assert config.health == "http://:8000/health"
    found = config.command
    assert found[:3] == command
    assert ("--factory" in found) == (found[0] == "uvicorn")


def test_a_factory_of_another_module_is_flasks_where_flask_is_installed(tmp_path: Path) -> None:
    files = {"wsgi.py": "from shop import create_app\napp = create_app()\n"}
    assert detected(tmp_path, "flask\ngunicorn\n", files).command[:2] == ("gunicorn", "wsgi:app")


def test_an_application_is_looked_for_everywhere(tmp_path: Path) -> None:
    files = {
        "service/web/api.py": FASTAPI,
        "tests/app.py": FASTAPI,
        "venv/pyvenv.cfg": "",
        "venv/a.py": FASTAPI,
    }
    config = detected(tmp_path, "fastapi\nuvicorn\n", files)
    assert config.command[1] == "service.web.api:app"


def test_folders_of_modules_and_what_frameworks_read_beside_them_are_shipped(tmp_path: Path) -> None:
    files = {
        "app.py": FLASK,
        "helpers/tools.py": "",
        "templates/index.html": "",
        "static/style.css": "",
        "data/table.csv": "",
        "tests/test_app.py": "",
        ".venv/x.py": "",
        "env2/pyvenv.cfg": "",
        "env2/x.py": "",
    }
    config = detected(tmp_path, "flask\ngunicorn\n", files)
    assert config.sources == ("app.py", "helpers/", "static/", "templates/")


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({"pyproject.toml": '[tool.poetry]\nname = "x"\n'}, "poetry export"),
        ({"Pipfile": "[packages]\n"}, "pipenv requirements > requirements.txt"),
        ({"environment.yml": "dependencies: []\n"}, "conda's packages are not PyPI's"),
    ],
)
def test_requirements_that_another_tool_keeps_are_exported(
    tmp_path: Path, files: dict[str, str], hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        read_project(make(tmp_path, {"main.py": FASTAPI, **files}))
    assert hint in error.value.hint
