from __future__ import annotations

import pytest

from tests.unit.dockerfile.migrate.migrating import migrated, settings, told

START = "FROM python:3.11-slim\nRUN pip install a\n"


@pytest.mark.parametrize(
    "line",
    [
        "ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1",
        "ENV DEBIAN_FRONTEND noninteractive",
        "ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH",
        "ENV UV_LINK_MODE=copy LANG=C.UTF-8 NVIDIA_VISIBLE_DEVICES=all",
        "ENV UV_TORCH_BACKEND=cpu PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu",
    ],
)
def test_variables_that_the_service_does_not_read(line: str) -> None:
    made = migrated(f"{START}{line}\nUSER 1\n")
    assert "env" not in made.settings
    assert made.complete


def test_variables_of_the_service() -> None:
    text = f"{START}ARG LEVEL=info\nENV LOG=$LEVEL A=1\nENV A=2\nENV SHA=$GIT_SHA\nUSER 1\n"
    made = migrated(text)
    assert made.settings["env"] == {"LOG": "info", "A": "2"}
    assert "4: set again below" in told(made, "not needed")
    assert told(made, "by hand") == ["6: SHA depends on a build argument without a value"]


def test_secrets_are_given_at_run_time() -> None:
    made = migrated(f"{START}ENV DB_PASSWORD=hunter2 API_KEY_FILE=/run/key\nUSER 1\n")
    assert "hunter2" not in repr(made)
    assert told(made, "by hand") == ["3: DB_PASSWORD is a secret, and an image keeps none"]
    assert made.settings["env"] == {"API_KEY_FILE": "/run/key"}


def test_a_path_of_one_s_own_is_told() -> None:
    made = migrated(f"{START}ENV PATH=/opt/tool/bin:$PATH\nUSER 1\n")
    assert told(made, "by hand") == ["3: PATH: /opt/tool/bin"]


def test_labels() -> None:
    made = migrated(f'{START}LABEL a="b c" io.lightship.x=y org.opencontainers.image.revision=$SHA\nUSER 1\n')
    assert made.settings["labels"] == {"a": "b c"}
    assert told(made, "by hand") == ["3: label org.opencontainers.image.revision differs from build to build"]


@pytest.mark.parametrize(
    ("lines", "user"),
    [
        ("RUN groupadd -g 7 g && useradd --uid 5 --gid g app\nUSER app", "app:5:7"),
        ("RUN useradd -m app\nUSER app", "app:1000:1000"),
        ("RUN useradd --system app\nUSER app:app", "app:999:999"),
        ("RUN adduser --disabled-password --gecos '' app\nUSER app", "app:1000:1000"),
        ("RUN adduser -S -u 12 bot -G bot\nUSER bot", "bot:12:12"),
        ("USER 1000", "appuser:1000:1000"),
        ("USER 1000:5", "appuser:1000:5"),
        ("RUN useradd -u 1000 web\nUSER 1000", "web:1000:1000"),
        ("USER nobody", "nobody:65534:65534"),
        ("USER root\nUSER 5", "appuser:5:5"),
        ("USER root", None),
        ("USER $WHO", None),
        ("USER stranger", None),
        ("", None),
    ],
)
def test_users(lines: str, user: str | None) -> None:
    assert settings(f"{START}{lines}\n").get("user") == user


def test_what_is_left_of_commands() -> None:
    text = (
        f"{START}RUN mkdir -p /data && chown -R app /data && rm -rf /tmp/x\nRUN python -m venv /venv\n"
        "RUN python -m compileall app\nRUN python -c \"import nltk; nltk.download('punkt')\"\n"
        "RUN ./configure\nRUN add-apt-repository ppa:x/y\nUSER 1\n"
    )
    assert told(migrated(text))[2:-1] == [
        "3 by hand: makes /data",
        "3 not needed: files belong to root and can be read by all; none is stored twice",
        "3 not needed: nothing but what is listed comes into a layer: there is nothing to clean",
        "4 not needed: every image has a virtual environment, first in PATH",
        "5 not needed: images bring bytecode: see `bytecode`",
        "6 by hand: fetches something while the image is built",
        "7 by hand: runs while the image is built",
        "8 by hand: an archive of packages beside Debian's",
    ]


def test_installers_are_not_needed() -> None:
    text = (
        f"{START}RUN curl -sSL https://install.python-poetry.org | python3 -\n"
        "RUN ln -s /usr/bin/python3 /usr/bin/python && python3 -m pip list\nUSER 1\n"
    )
    made = migrated(text)
    assert made.complete
    assert "4 not needed: Python is there by each of its names" in told(made)


def test_targets() -> None:
    text = (
        "FROM python:3.11-slim AS base\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
        "FROM base AS dev\nENV DEBUG=1\nRUN apt-get install -y vim\nRUN pip install pytest\n"
        'COPY tests tests\nRUN pytest\nCMD ["uvicorn", "a:b", "--reload"]\n'
        'FROM base AS production\nUSER 1\nCMD ["uvicorn", "a:b"]\n'
    )
    made = migrated(text)
    assert made.settings["targets"] == {
        "development": {
            "requirements": ["requirements-development-inline.txt"],
            "packages": ["vim"],
            "command": ["uvicorn", "a:b", "--reload"],
            "env": {"DEBUG": "1"},
        }
    }
    assert made.files == {"requirements-development-inline.txt": "pytest\n"}
    assert told(made, "by hand") == ["9: targets run no commands"]
