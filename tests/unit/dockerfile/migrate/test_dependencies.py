from __future__ import annotations

import pytest

from tests.unit.dockerfile.migrate.migrating import Project, migrated, settings, told

PEP_621 = (
    '[project]\nname = "a"\ndependencies = ["fastapi"]\n[project.optional-dependencies]\ngpu = ["torch"]\n'
)
POETRY = '[tool.poetry.dependencies]\nfastapi = "^0.111"\n'


def run(command: str, before: str = "COPY . .\n") -> str:
    return f"FROM python:3.11-slim\nWORKDIR /app\n{before}RUN {command}\nUSER 1\n"


@pytest.mark.parametrize(
    "command",
    [
        "pip install -r requirements.txt",
        "pip3 install --no-cache-dir --upgrade --requirement=requirements.txt",
        "python -m pip install -rrequirements.txt",
        "uv pip install --system -r requirements.txt",
        "uv pip sync requirements.txt",
        "pip install -r /app/requirements.txt",
    ],
)
def test_requirement_files(command: str) -> None:
    assert settings(run(command))["variants"] == {
        "none": {"requirements": ["requirements.txt"], "torch": "none"}
    }


def test_a_file_is_named_as_the_project_has_it() -> None:
    project = Project({"docker/prod/reqs.txt": "fastapi\n"})
    before = "COPY docker/prod/reqs.txt /tmp/requirements.txt\n"
    made = settings(run("pip install -r /tmp/requirements.txt", before), project)
    assert made["variants"]["none"]["requirements"] == ["docker/prod/reqs.txt"]
    mounted = (
        "FROM python:3.11\nRUN --mount=type=bind,source=docker/prod,target=/d pip install -r /d/reqs.txt\n"
    )
    assert settings(mounted, project)["variants"]["none"]["requirements"] == ["docker/prod/reqs.txt"]


def test_what_files_include_is_looked_for_beside_them() -> None:
    project = Project({"requirements/prod.txt": "-r base.txt\n", "requirements/base.txt": "torch\n"})
    made = settings(run("pip install -r requirements/prod.txt"), project)
    assert made["variants"] == {"cpu": {"requirements": ["requirements/prod.txt"], "torch": "cpu"}}


def test_requirements_of_no_file_get_one() -> None:
    made = migrated(run("pip install 'uvicorn[standard]' torch==2.4 && pip install -U pip -c limits.txt"))
    assert made.settings["variants"] == {"cpu": {"requirements": ["requirements-inline.txt"], "torch": "cpu"}}
    assert made.files == {"requirements-inline.txt": "uvicorn[standard]\ntorch==2.4\n"}
    assert "4: the lock resolves packages; no installer is in the image" in told(made, "not needed")


def test_constraints_go_with_them() -> None:
    made = migrated(run("pip install -r requirements.txt -c limits.txt"))
    assert made.files == {"requirements-inline.txt": "-c limits.txt\n"}


def test_a_document_in_the_file_is_a_file_too() -> None:
    text = (
        "FROM python:3.11-slim\nCOPY <<requirements.txt /tmp/requirements.txt\nfastapi\nhttpx\n"
        "requirements.txt\nRUN pip install -r /tmp/requirements.txt\nUSER 1\n"
    )
    assert migrated(text).files == {"requirements-inline.txt": "fastapi\nhttpx\n"}


def test_credentials_reach_neither_the_configuration_nor_the_report() -> None:
    text = run("pip install --extra-index-url https://me:s3cret@example.com/simple -r requirements.txt")
    text = text.replace(
        "WORKDIR", "ENV PIP_INDEX_URL=https://me:s3cret@example.com/all\nARG API_TOKEN=s3cret\nWORKDIR"
    )
    made = migrated(text)
    assert "s3cret" not in repr(made)
    assert told(made, "by hand") == [
        "2: PIP_INDEX_URL: https://example.com/all",
        "3: API_TOKEN is a secret, and builds take none",
        "6: index https://example.com/simple",
    ]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "pip install git+https://example.com/a.git",
            "git+https://example.com/a.git: the lock takes packages from indexes",
        ),
        (
            "pip install https://example.com/a-1-py3-none-any.whl",
            "https://example.com/a-1-py3-none-any.whl: the lock takes packages from indexes",
        ),
        ("pip install --pre fastapi", "--pre has no counterpart"),
        ("pip install ./libs/common", "libs/common is installed as a distribution"),
        ("pip install -r https://example.com/r.txt", "requirements from https://example.com/r.txt"),
        ("pip install fastapi==$VERSION", "fastapi==$VERSION: a variable without a value"),
        ("conda install numpy", "conda's packages: numpy"),
    ],
)
def test_what_needs_a_person(command: str, message: str) -> None:
    assert f"4: {message}" in told(migrated(run(command)), "by hand")


def test_the_project_itself() -> None:
    project = Project({"pyproject.toml": PEP_621, "a/__init__.py": ""})
    assert settings(run("pip install ."), project)["variants"] == {"none": {"torch": "none"}}
    assert settings(run("pip install '.[gpu]'"), project)["variants"] == {
        "cpu": {"extras": ["gpu"], "torch": "cpu"}
    }
    assert settings(run("uv sync --frozen --no-dev --extra gpu"), project)["variants"] == {
        "cpu": {"extras": ["gpu"], "torch": "cpu"}
    }


def test_the_project_is_shipped_and_not_installed() -> None:
    scripts = '[project.scripts]\nserve = "a.cli:main"\n'
    project = Project({"pyproject.toml": PEP_621 + scripts, "src/a/cli.py": ""})
    made = settings(
        run("pip install .", "COPY pyproject.toml .\nCOPY src src\n") + 'CMD ["serve", "--port", "80"]\n',
        project,
    )
    assert made["sources"] == ["src/"]
    assert made["env"] == {"PYTHONPATH": "/app/src"}
    assert made["command"] == [
        "python",
        "-c",
        "import sys; from a.cli import main; sys.exit(main())",
        "--port",
        "80",
    ]


def test_beside_pyproject_no_file_is_read() -> None:
    project = Project({"pyproject.toml": PEP_621})
    made = migrated(run("uv sync && uv pip install gunicorn"), project)
    assert made.files == {}
    assert told(made, "by hand") == ["4: gunicorn: beside the dependencies of pyproject.toml no file is read"]


@pytest.mark.parametrize(
    ("command", "export"),
    [
        ("poetry install --only main", "poetry export --without-hashes -o requirements.txt"),
        ("pipenv install --deploy --system", "pipenv requirements > requirements.txt"),
        ("uv sync", "uv export --frozen --no-dev --no-emit-project --no-hashes -o requirements.txt"),
        ("pdm install --prod", "pdm export --prod --without-hashes -o requirements.txt"),
    ],
)
def test_another_tool_exports_what_it_alone_reads(command: str, export: str) -> None:
    made = migrated(run(command), Project({"pyproject.toml": POETRY}))
    assert made.settings["variants"]["cpu"]["requirements"] == ["requirements.txt"]
    assert export in [row.hint for row in made.rows]


def test_poetry_with_pep_621_is_read() -> None:
    made = migrated(run("poetry install --no-root"), Project({"pyproject.toml": PEP_621}))
    assert made.complete
    assert made.settings["variants"] == {"none": {"torch": "none"}}
    assert "versions are resolved anew, to pylock.*.toml: poetry.lock is not read" in [
        row.hint for row in made.rows
    ]


def test_conda_has_pip_install_and_the_rest_is_told() -> None:
    environment = (
        "name: a\ndependencies:\n  - python=3.11\n  - numpy # fast\n  - pip:\n      - fastapi==0.111\n"
    )
    project = Project({"environment.yml": environment})
    made = migrated(run("conda env create -f environment.yml", "COPY environment.yml .\n"), project)
    assert made.files == {"requirements-inline.txt": "fastapi==0.111\n"}
    assert "4: conda's packages: numpy" in told(made, "by hand")


@pytest.mark.parametrize(
    ("command", "torch"),
    [
        ("pip install torch --index-url https://download.pytorch.org/whl/cpu", "cpu"),
        ("pip install torch --index-url https://download.pytorch.org/whl/cu126", "cu126"),
        ("pip install torch==2.3.0+cu121", "cu121"),
        ("uv pip install torch --torch-backend cu128", "cu128"),
        ("pip install torch", "cpu"),
        ("pip install flask", "none"),
    ],
)
def test_the_build_of_pytorch(command: str, torch: str) -> None:
    made = settings(run(command))["variants"]
    assert made[torch]["torch"] == torch


def test_an_image_with_cuda_tells_the_build() -> None:
    text = "FROM nvidia/cuda:12.2.0-runtime-ubuntu22.04\nRUN pip install torch\n"
    assert list(settings(text)["variants"]) == ["cu121"]
    text = "FROM pytorch/pytorch:2.3.0-cuda11.8-cudnn8-runtime\nRUN pip install flask\n"
    made = migrated(text)
    assert list(made.settings["variants"]) == ["cu118"]
    assert made.files == {"requirements-inline.txt": "torch==2.3.0\nflask\n"}


def test_cuda_for_nothing_is_said() -> None:
    made = migrated(run("pip install torch"))
    assert '4: PyTorch with CUDA is what the index has, and nothing here uses it: torch = "cpu"' in told(
        made, "carried over"
    )
