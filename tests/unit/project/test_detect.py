"""What Lightship makes of a project that says nothing, or little, about itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightship.errors import UsageError
from lightship.platform import Platform
from lightship.project.config import VariantConfig
from lightship.project.detect import debian_suite, is_suite, read_project

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_an_ordinary_fastapi_project_needs_no_configuration(tmp_path: Path) -> None:
    folder = make(
        tmp_path / "My Service",
        {
            "requirements.txt": "fastapi\nuvicorn\ngunicorn\n",
            "app/__init__.py": "",
            "app/main.py": FASTAPI,
            "tests/__init__.py": "",
            "conftest.py": "",
        },
    )
    project = read_project(folder)
    config = project.config
    assert config.name == "my-service"
    assert (config.python, config.base) == ("3.11", "debian:bookworm")
    assert project.platforms == (Platform("amd64"),)
    assert config.variant == "none"
    assert config.variants == {"none": VariantConfig(("requirements.txt",), torch="cpu")}
    assert config.sources == ("app/",)
    assert config.command == (
        *("gunicorn", "app.main:app", "--worker-class", "uvicorn.workers.UvicornWorker"),
        *("--bind", "0.0.0.0:8000"),
    )
    assert config.ports == (8000,)
    assert project.file is None
    assert project.found == (
        "Python 3.11",
        "variant none from requirements.txt",
        "FastAPI application app.main:app",
    )


def test_without_gunicorn_uvicorn_serves(tmp_path: Path) -> None:
    folder = make(tmp_path, {"requirements.txt": "fastapi[standard]\n", "main.py": FASTAPI})
    assert read_project(folder).config.command == (
        *("uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"),  # noqa: S104
    )


def test_a_configured_port_is_used(tmp_path: Path) -> None:
    folder = make(
        tmp_path, {"requirements.txt": "fastapi\n", "main.py": FASTAPI, "lightship.toml": "ports = [9000]\n"}
    )
    config = read_project(folder).config
    assert config.ports == (9000,)
    assert config.command[-1] == "9000"


def test_flask_gets_gunicorn(tmp_path: Path) -> None:
    folder = make(
        tmp_path,
        {"requirements.txt": "flask\ngunicorn\n", "app.py": "import flask\nserver = flask.Flask(__name__)\n"},
    )
    config = read_project(folder).config
    assert config.command == ("gunicorn", "app:server", "--bind", "0.0.0.0:8000")
    assert config.sources == ("app.py",)


@pytest.mark.parametrize(
    "text",
    [
        "from fastapi import FastAPI\ndef build() -> FastAPI:\n    return FastAPI()\napp = build()\n",
        "import fastapi\ndef build() -> fastapi.FastAPI: ...\napp: fastapi.FastAPI = build()\n",
        "from .factory import create_app\napp = create_app()\n",
    ],
)
def test_a_factory_of_the_application_is_found(tmp_path: Path, text: str) -> None:
    folder = make(tmp_path, {"requirements.txt": "fastapi\nuvicorn\n", "app/main.py": text})
    assert read_project(folder).config.command[:2] == ("uvicorn", "app.main:app")


def test_a_src_layout_is_put_on_the_import_path(tmp_path: Path) -> None:
    folder = make(
        tmp_path,
        {
            "requirements.txt": "fastapi\nuvicorn\n",
            "src/service/__init__.py": "",
            "src/service/main.py": FASTAPI,
            "src/library/__init__.py": "",
        },
    )
    config = read_project(folder).config
    assert config.command[1] == "service.main:app"
    assert config.sources == ("src/library/", "src/service/")
    assert config.env == {"PYTHONPATH": "/app/src"}


def test_an_application_in_an_init_file_is_its_package(tmp_path: Path) -> None:
    folder = make(tmp_path, {"requirements.txt": "fastapi\n", "app/__init__.py": FASTAPI})
    assert read_project(folder).config.command[1] == "app:app"


def test_a_file_that_does_not_parse_is_passed_over(tmp_path: Path) -> None:
    folder = make(
        tmp_path, {"requirements.txt": "fastapi\n", "app/main.py": "def broken(:\n", "main.py": FASTAPI}
    )
    (folder / "app.py").write_bytes(b"\0")
    assert read_project(folder).config.command[1] == "main:app"


def test_the_dependencies_of_pyproject_are_enough(tmp_path: Path) -> None:
    folder = make(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "Some_Service"\nversion = "1"\n'
            'dependencies = ["fastapi", "uvicorn[standard]>=0.3", "sentence-transformers"]\n',
            "main.py": FASTAPI,
        },
    )
    config = read_project(folder).config
    assert config.name == "some-service"
    assert config.variants == {"cpu": VariantConfig((), torch="cpu")}
    assert config.variant == "cpu"


def test_torch_files_make_variants(tmp_path: Path) -> None:
    folder = make(
        tmp_path,
        {
            "requirements-base.txt": "fastapi\nuvicorn\n",
            "requirements-torch-cpu.txt": "torch\n",
            "requirements-torch-cu126.txt": "torch\n",
            "app/main.py": FASTAPI,
        },
    )
    config = read_project(folder).config
    assert config.variants == {
        "cpu": VariantConfig(("requirements-base.txt", "requirements-torch-cpu.txt"), torch="cpu"),
        "cu126": VariantConfig(("requirements-base.txt", "requirements-torch-cu126.txt"), torch="cu126"),
        "none": VariantConfig(("requirements-base.txt",), torch="none"),
    }
    assert config.variant == "cpu"


@pytest.mark.parametrize("line", ["torch", "sentence_transformers==3", "Ultralytics"])
def test_a_project_that_needs_torch_has_the_cpu_variant(tmp_path: Path, line: str) -> None:
    folder = make(tmp_path, {"requirements.txt": f"{line}\n", "main.py": FASTAPI})
    assert [*read_project(folder).config.variants] == ["cpu"]


@pytest.mark.parametrize(
    ("files", "python", "base"),
    [
        ({".python-version": "3.13\n"}, "3.13", "debian:trixie"),
        ({".python-version": "cpython-3.11.9\n"}, "3.11", "debian:bookworm"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12"\n'}, "3.13", "debian:trixie"),
        ({"pyproject.toml": '[project]\nrequires-python = "==3.11.*"\n'}, "3.11", "debian:bookworm"),
        ({"lightship.toml": 'base = "debian:trixie"\n'}, "3.13", "debian:trixie"),
        ({"lightship.toml": 'python = "3.13"\n'}, "3.13", "debian:trixie"),
    ],
)
def test_which_python(tmp_path: Path, files: dict[str, str], python: str, base: str) -> None:
    folder = make(tmp_path, {"requirements.txt": "fastapi\n", "main.py": FASTAPI, **files})
    config = read_project(folder).config
    assert (config.python, config.base) == (python, base)


def problem(folder: Path) -> UsageError:
    with pytest.raises(UsageError) as error:
        read_project(folder)
    assert error.value.where
    assert error.value.hint
    return error.value


def test_a_python_that_no_suite_has_names_those_that_are_had(tmp_path: Path) -> None:
    folder = make(
        tmp_path, {"requirements.txt": "fastapi\n", "main.py": FASTAPI, ".python-version": "3.12\n"}
    )
    error = problem(folder)
    assert error.message == "no Debian suite has Python 3.12"
    assert 'base = "python:3.12-slim"' in error.hint
    assert "3.11, 3.13, 3.14" in error.hint


def test_a_project_that_insists_on_a_python_gets_that_or_an_error(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\nrequires-python = "==3.12.*"\ndependencies = []\n'
    folder = make(tmp_path, {"pyproject.toml": text, "main.py": FASTAPI})
    assert problem(folder).message == "no Debian suite has Python 3.12"
    (folder / "lightship.toml").write_text('base = "python:3.12-slim"\n')
    assert read_project(folder).config.python == "3.12"


def test_nothing_to_install_is_an_error_that_helps(tmp_path: Path) -> None:
    error = problem(make(tmp_path, {"main.py": FASTAPI}))
    assert "requirements.txt" in error.message
    assert "[tool.lightship.variants.NAME]" in error.hint


def test_nothing_to_start_is_an_error_that_helps(tmp_path: Path) -> None:
    error = problem(make(tmp_path, {"requirements.txt": "fastapi\n", "other.py": "print()\n"}))
    assert "found nothing to start" in error.message
    assert "command = " in error.hint


def test_a_folder_that_is_not_there_is_an_error_that_helps(tmp_path: Path) -> None:
    assert problem(tmp_path / "nothing").message == "no such folder"


def test_a_requires_python_that_is_none_is_an_error(tmp_path: Path) -> None:
    folder = make(
        tmp_path,
        {"main.py": FASTAPI, "pyproject.toml": '[project]\nrequires-python = "three"\ndependencies=[]\n'},
    )
    with pytest.raises(UsageError, match="requires-python"):
        read_project(folder)


def test_a_command_of_ones_own_needs_no_application(tmp_path: Path) -> None:
    folder = make(
        tmp_path,
        {
            "requirements.txt": "x\n",
            "lightship.toml": 'command = ["python", "-m", "tool"]\n',
            "tool.py": "",
            "package/__init__.py": "",
        },
    )
    config = read_project(folder).config
    assert config.command == ("python", "-m", "tool")
    assert config.sources == ("package/", "tool.py")


def test_what_is_configured_is_not_detected(tmp_path: Path) -> None:
    text = 'command = ["x"]\nsources = ["y"]\n[variants.mine]\nrequirements = ["r.txt"]\n'
    config = read_project(make(tmp_path, {"lightship.toml": text, "main.py": FASTAPI})).config
    assert (config.command, config.sources, config.variant) == (("x",), ("y",), "mine")


def test_an_unknown_variant_suggests_the_nearest(tmp_path: Path) -> None:
    folder = make(tmp_path, {"requirements-torch-cpu.txt": "torch\n", "main.py": FASTAPI})
    project = read_project(folder)
    with pytest.raises(UsageError, match="unknown variant 'cpuu'") as error:
        project.variant("cpuu")
    assert error.value.hint == "did you mean 'cpu'?"
    with pytest.raises(UsageError) as error:
        project.variant("zzz")
    assert error.value.hint == "known variants: cpu"


def test_a_configured_variant_that_is_none_is_an_error(tmp_path: Path) -> None:
    folder = make(
        tmp_path, {"requirements.txt": "x\n", "main.py": FASTAPI, "lightship.toml": 'variant = "gpu"\n'}
    )
    assert problem(folder).message == "unknown variant 'gpu'"


@pytest.mark.parametrize("base", ["python:3.11-slim", "debian:", "debian", "oci:dir", "debian:Book Worm"])
def test_bases_that_are_no_debian_suite_are_refused(base: str) -> None:
    with pytest.raises(UsageError, match="names no Debian suite") as error:
        debian_suite(base)
    assert "debian:bookworm" in error.value.hint


def test_an_image_may_have_any_python(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.12"\ndependencies = ["fastapi"]\n',
        "lightship.toml": 'base = "oci:./layout"\n',
        "main.py": FASTAPI,
    }
    config = read_project(make(tmp_path, files)).config
    assert (config.python, config.base) == ("3.13", "oci:./layout")


def test_only_a_base_of_debian_packages_is_a_suite() -> None:
    assert is_suite("debian:bookworm")
    assert not any(map(is_suite, ("oci:debian", "python:3.11", "debian")))


def test_the_suite_of_a_base() -> None:
    assert debian_suite("debian:bookworm") == "bookworm"
