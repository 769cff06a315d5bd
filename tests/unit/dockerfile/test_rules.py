"""Files that a rule must catch, and files that it must not, beside the examples of docs/lint.md.

Those about tags, users, caches, stages and shell form follow what hadolint shows in its public tests of
DL3002, DL3007, DL3009, DL3019, DL3022 to DL3025 and DL3042 (hadolint/hadolint), written anew.
"""

from __future__ import annotations

import pytest

from lightship.dockerfile.lint import Options, lint_text
from lightship.wheels.model import LockedLibrary
from tests.unit.dockerfile.checking import Files, codes

SLIM = "FROM python:3.11-slim\n"
LAST = "USER 1000\n"
BUILDER = "FROM python:3.11 AS builder\nRUN pip wheel -w /wheels gunicorn\n"
INSTALL = (
    "RUN --mount=from=builder,source=/wheels,target=/wheels pip install --no-index -f /wheels gunicorn\n"
)
APT = "RUN apt-get update && apt-get install -y {} && rm -rf /var/lib/apt/lists/*\n"


def stage(body: str, *, base: str = SLIM) -> str:
    return base + body + LAST


def two(builder: str, final: str = "") -> str:
    return f"FROM python:3.11 AS builder\n{builder}\n" + SLIM + final + INSTALL + LAST


CAUGHT = [
    ("LD101", stage("ADD ./ /app/\nRUN uv pip install --no-cache --system -r requirements.txt\n")),
    ("LD101", stage("COPY . .\nRUN poetry install --no-root --no-cache\n")),
    (
        "LD101",
        stage(
            'COPY [".", "/app"]\nRUN ["pip", "install", "--no-cache-dir", "-r", "/app/requirements.txt"]\n'
        ),
    ),
    ("LD101", two("COPY . .\nRUN pip wheel -w /wheels -r requirements.txt\n")),
    (
        "LD102",
        two(
            "COPY . /src\nRUN apt-get update\nCOPY requirements.txt .\n"
            "RUN pip wheel -w /wheels -r requirements.txt && pip wheel -w /wheels x\nCOPY . /s\n"
        ),
    ),
    ("LD103", stage("ENV GIT_COMMIT=abc\nRUN pip install --no-cache-dir flask\n")),
    ("LD103", stage("COPY src src\nRUN pip install --no-cache-dir flask\n")),
    ("LD201", two("RUN apt-get install -y libpq-dev=15.1-1 && pip wheel -w /wheels psycopg2\n")),
    (
        "LD201",
        "FROM debian:12 AS builder\nRUN apt-get install -y python3 libffi-dev && pip wheel -w /wheels cffi\n"
        "FROM debian:12\n" + INSTALL + LAST,
    ),
    ("LD202", two("RUN pip wheel -w /wheels a\n", "RUN pip install --no-cache-dir uvicorn\n")),
    ("LD202", two("RUN pip wheel -w /wheels a\n", "RUN poetry install --no-cache\n")),
    ("LD202", two("RUN pip wheel -w /wheels a\n", "RUN uv sync --no-cache --frozen\n")),
    ("LD203", stage(APT.format("libxml2-dev"))),
    ("LD203", stage("RUN apk add --no-cache build-base\n", base="FROM python:3.11-alpine\n")),
    (
        "LD203",
        stage("RUN apt-get install -y g++ && rm -rf /var/lib/apt/lists/*\nRUN apt-get purge g++\n"),
    ),
    ("LD204", "FROM nvidia/cuda:12.4.1-devel-ubuntu22.04\nUSER 1\n"),
    ("LD204", "FROM public.ecr.example.com/docker/library/python:3.12\nUSER 1\n"),
    ("LD205", stage("RUN python -m pip install --no-cache-dir -U pip setuptools\n")),
    ("LD205", stage("RUN pip install --no-cache-dir pip==24.0\n")),
    ("LD206", stage("RUN pip install --no-cache-dir 'torch>=2' torchvision\n")),
    ("LD206", stage('ENV CUDA_VISIBLE_DEVICES=""\nRUN pip install --no-cache-dir torch\n')),
    ("LD208", stage("RUN apt update\n")),
    ("LD208", stage("RUN apt-get update && apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n")),
    ("LD208", "FROM debian:12 AS base\nRUN apt-get update && apt-get install -y curl\nFROM base\nUSER 1\n"),
    ("LD209", stage("RUN pip2 install pandas\n")),
    ("LD209", stage("ENV PIP_NO_CACHE_DIR=off\nRUN pip3 install flask\n")),
    ("LD209", stage("RUN --mount=type=cache,target=/cache pip install flask\n")),
    ("LD209", stage("RUN uv sync --frozen\n")),
    ("LD209", stage("RUN conda install -y numpy\n")),
    ("LD209", stage("RUN apk add curl\n")),
    ("LD301", "ARG BASE=python\nFROM $BASE\nUSER 1\n"),
    ("LD301", "FROM example.com:5000/python\nUSER 1\n"),
    ("LD301", stage("COPY --from=nginx:latest /a /b\n")),
    ("LD302", two("RUN pip wheel -w /wheels a\n").replace("3.11 AS", "3.12 AS")),
    (
        "LD302",
        BUILDER
        + "FROM nvidia/cuda:12.4.1-base-ubuntu22.04\nRUN apt-get install -y python3.11 python3-pip\n"
        + INSTALL.replace("pip", "pip3")
        + LAST,
    ),
    ("LD303", "FROM python:3.11-alpine AS builder\nRUN pip wheel -w /wheels a\n" + SLIM + INSTALL + LAST),
    ("LD401", stage("COPY big.tar /tmp/\nRUN tar xf /tmp/big.tar -C / && rm /tmp/big.tar\n")),
    (
        "LD401",
        BUILDER
        + SLIM
        + "COPY --from=builder /wheels /wheels\nRUN pip install --no-index /wheels/*.whl\n"
        + LAST,
    ),
    ("LD402", stage("COPY app /app\nRUN chmod -R 755 /app\n")),
    ("LD402", stage("WORKDIR /app\nCOPY . .\nRUN chown --recursive 1:1 .\n")),
    ("LD501", SLIM),
    ("LD501", SLIM + "USER 1000\nRUN true\nUSER root\n"),
    ("LD501", SLIM + "ARG UID=0\nUSER ${UID}:0\n"),
    ("LD502", stage("ARG AWS_SECRET_ACCESS_KEY\n")),
    ("LD502", stage("ENV A=b DB_PASSWORD=x\n")),
    ("LD502", stage("ENV api_key x\n")),
    ("LD503", stage("COPY --chown=1:1 id_rsa /root/.ssh/\n")),
    ("LD503", stage("ADD .env.production certs/server.key /etc/\n")),
    ("LD504", stage("ADD https://me:pw@example.com/a /a\n")),
    ("LD504", stage("RUN <<EOF\npip install --no-cache-dir git+https://$TOKEN@example.com/a.git\nEOF\n")),
    ("LD601", stage("ENTRYPOINT python main.py\n")),
    ("LD601", stage('CMD ["bash", "-c", "sleep 1; python main.py"]\n')),
    ("LD602", stage("ENV PYTHONDONTWRITEBYTECODE 1\nCOPY a b\n")),
    ("LD701", "FROM python:3.11-slim\nRUN echo\nFROM python:3.11-slim\nUSER 1\n"),
    ("LD702", "FROM node as foo\nRUN x\nFROM scratch as FOO\nRUN y\n"),
    ("LD704", "FROM scratch\nCOPY --from=build foo .\nFROM node as build\nRUN baz\n"),
    ("LD704", SLIM + "COPY --from=0 bar .\n"),
    ("LD704", "FROM python:3.11-slim AS me\nCOPY --from=me bar .\n"),
    ("LD705", BUILDER.replace("/wheels", "/build/wheels") + SLIM + "COPY --from=builder /wheels /w\n" + LAST),
]

SPARED = [
    (
        "LD101",
        stage("COPY pyproject.toml uv.lock ./\nRUN uv sync --no-cache --no-install-project\nCOPY . .\n"),
    ),
    ("LD101", stage("COPY . .\nRUN pip install --no-cache-dir .\n")),
    ("LD101", stage("COPY . .\nRUN pip install --no-cache-dir -e '.[dev]'\n")),
    (
        "LD101",
        stage("COPY --from=builder . .\n").replace("builder", "nginx:1.27")
        + "RUN pip install --no-cache-dir a\n",
    ),
    ("LD102", two("COPY . .\nRUN make && pip wheel -w /wheels -r requirements.txt\n")),
    (
        "LD103",
        stage("COPY requirements ./requirements\nRUN pip install --no-cache-dir -r requirements/prod.txt\n"),
    ),
    ("LD103", stage("RUN pip install --no-cache-dir flask\nARG GIT_SHA\nLABEL rev=$GIT_SHA\n")),
    ("LD201", two("RUN apt-get install -y libpq-dev\n", APT.format("postgresql-client-15"))),
    ("LD201", two("RUN apt-get install -y libssl-dev zlib1g-dev libffi-dev && pip wheel -w /wheels a\n")),
    ("LD201", two("RUN apt-get install -y libpq-dev\n").replace("3.11-slim", "3.11")),
    (
        "LD201",
        two(
            "RUN apt-get install -y libpq-dev\n",
            "COPY --from=builder /usr/lib/x86_64-linux-gnu/libpq.so.5 /usr/lib/\n",
        ),
    ),
    ("LD202", stage("RUN pip install --no-cache-dir flask\n")),
    ("LD202", two("RUN true\n", "ENV PIP_NO_INDEX=1\nRUN pip install --no-cache-dir flask\n")),
    ("LD202", two("RUN true\n", "RUN pip install --no-cache-dir --no-deps ./a.whl .\n")),
    (
        "LD203",
        stage(
            "RUN apt-get update && apt-get install -y gcc && pip install --no-cache-dir a"
            " && apt-get purge -y gcc && rm -rf /var/lib/apt/lists/*\n"
        ),
    ),
    (
        "LD203",
        stage("RUN apk add --no-cache --virtual .b gcc && apk del .b\n", base="FROM python:3.11-alpine\n"),
    ),
    ("LD203", two("RUN apt-get install -y gcc\n")),
    ("LD203", stage(APT.format("software-properties-common libdevmapper1.02.1"))),
    ("LD204", "FROM acme/python:3.12\nUSER 1\n"),
    ("LD204", "FROM python:3.12-alpine\nUSER 1\n"),
    ("LD205", two("RUN pip install -U pip\n")),
    ("LD205", stage("RUN pip install --no-cache-dir pip-tools\n")),
    ("LD206", stage("RUN pip install --no-cache-dir torch==2.3.0+cpu -f https://example.com/whl\n")),
    (
        "LD206",
        stage(
            "RUN pip install --no-cache-dir torch --extra-index-url https://download.pytorch.org/whl/cpu\n"
        ),
    ),
    ("LD206", stage("RUN uv pip install --no-cache --system --torch-backend=cpu torch\n")),
    ("LD206", stage("ENV NVIDIA_VISIBLE_DEVICES=all\nRUN pip install --no-cache-dir torch\n")),
    ("LD206", stage("RUN pip install --no-cache-dir vllm\n")),
    ("LD206", stage("RUN pip install --no-cache-dir openai fastapi\n")),
    ("LD206", stage("ARG TORCH_INDEX\nRUN pip install --no-cache-dir torch --index-url $TORCH_INDEX\n")),
    ("LD207", "FROM nvidia/cuda:12.4.1-base-ubuntu22.04\nRUN pip install --no-cache-dir torch\nUSER 1\n"),
    (
        "LD207",
        "FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04\nRUN pip install --no-cache-dir cupy-cuda12x\nUSER 1\n",
    ),
    (
        "LD208",
        "FROM ubuntu:24.04 as foo\nRUN apt-get update\nFROM scratch\nCOPY --from=foo /etc /etc\nUSER 1\n",
    ),
    ("LD208", stage("RUN --mount=type=cache,target=/var/lib/apt apt-get update\n")),
    ("LD208", stage("RUN --mount=type=tmpfs,dst=/var/lib/apt/lists apt-get update\n")),
    ("LD208", stage("RUN apt-get update && find /var/lib/apt/lists -type f -delete\n")),
    ("LD209", stage("RUN pip install pandas --no-cache-dir\n")),
    ("LD209", stage("ENV PIP_NO_CACHE_DIR=on\nRUN pip install flask\n")),
    ("LD209", stage("RUN export PIP_NO_CACHE_DIR=1 && pip install flask\n")),
    ("LD209", stage("RUN PIP_NO_CACHE_DIR=yes pip install flask\n")),
    ("LD209", stage("RUN pip install flask && pip cache purge\n")),
    ("LD209", stage("RUN pip install flask && rm -rf /root/.cache\n")),
    ("LD209", stage("RUN pip install flask && rm -rf ~/.cache /root/.cache/pip\n")),
    ("LD209", stage("RUN pipx install poetry\n")),
    ("LD209", stage("RUN conda install -y numpy && conda clean -afy\n")),
    ("LD209", two("RUN pip install flask\n")),
    ("LD209", stage("USER app\nRUN --mount=type=cache,target=/home/app/.cache/pip pip install flask\n")),
    ("LD301", "FROM python@sha256:abc\nUSER 1\n"),
    ("LD301", "ARG TAG\nFROM python:$TAG\nUSER 1\n"),
    ("LD301", "FROM python:3.11-slim AS base\nFROM base\nUSER 1\n"),
    ("LD301", "FROM scratch\nCOPY a /\nUSER 1\n"),
    ("LD302", "FROM node:20 AS ui\nRUN npm ci\n" + SLIM + "COPY --from=ui /ui /ui\n" + LAST),
    ("LD303", "FROM node:20-alpine AS ui\nRUN npm ci\n" + SLIM + "COPY --from=ui /ui /ui\n" + LAST),
    ("LD304", two("RUN pip wheel -w /wheels a\n").replace("3.11 AS", "3.11-bullseye AS")),
    (
        "LD401",
        stage("COPY r.txt /tmp/\nRUN pip install --no-cache-dir -r /tmp/r.txt && rm /tmp/r.txt\n"),
    ),
    ("LD401", stage("COPY app /app\nRUN rm -rf /tmp/*\n")),
    ("LD402", stage("COPY --chown=1:1 app /app\nRUN chown 1:1 /app\n")),
    ("LD402", stage("COPY app /app\nRUN mkdir /data && chown -R 1:1 /data\n")),
    ("LD501", "FROM gcr.io/distroless/python3-debian12:nonroot\n"),
    ("LD501", "FROM python:3.11-slim AS a\nUSER app\nFROM a\nRUN x\n"),
    (
        "LD502",
        stage("ENV MAX_TOKENS=100 TOKENIZERS_PARALLELISM=false DB_PASSWORD_FILE=/run/secrets/db API_KEY=\n"),
    ),
    ("LD503", stage("COPY .env.example requirements.txt ca-bundle.pem id_rsa.pub ./\n")),
    ("LD503", stage("COPY --from=nginx:1.27 /etc/ssl/server.key /etc/\n")),
    ("LD504", stage("RUN git clone ssh://git@example.com/a.git && curl https://example.com/@scope/x\n")),
    (
        "LD504",
        stage(
            "RUN --mount=type=secret,id=t,env=TOKEN pip install --no-cache-dir git+https://$TOKEN@example.com/a\n"
        ),
    ),
    ("LD601", stage('ENTRYPOINT ["foo"]\nCMD bar\n')),
    ("LD601", stage("CMD exec gunicorn app --workers $WORKERS\n")),
    ("LD601", stage('CMD ["sh", "-c", "migrate && exec gunicorn app"]\n')),
    ("LD601", stage('CMD a\nCMD ["b"]\nHEALTHCHECK CMD curl localhost\n')),
    ("LD602", stage("ENV PYTHONDONTWRITEBYTECODE=1 UV_COMPILE_BYTECODE=1\nCOPY a b\n")),
    ("LD602", stage('ENV PYTHONDONTWRITEBYTECODE=""\nCOPY a b\n')),
    ("LD701", "FROM python:3.11-slim AS a\nRUN x\nFROM a AS test\nRUN pytest\nFROM a\nUSER 1\n"),
    ("LD702", "FROM node as build\nRUN foo\nFROM node as run\nRUN baz\n"),
    ("LD703", "FROM python:3.11-slim AS a\nFROM python:3.11-slim AS b\nCOPY --from=a /x /x\nUSER 1\n"),
    (
        "LD704",
        "FROM scratch as build\nRUN foo\nFROM node:20\nCOPY --from=build a .\nCOPY --from=0 b .\n",
    ),
    ("LD103", stage("COPY locks/${VARIANT}.txt requirements.txt\nRUN pip install -r requirements.txt\n")),
    ("LD704", SLIM + "COPY --from=haskell:9 bar .\n"),
    ("LD704", "ARG SRC\n" + SLIM + "ARG SRC\nCOPY --from=${SRC} bar .\n"),
    (
        "LD705",
        "FROM python:3.11 AS builder\nWORKDIR /b\nCOPY . .\nRUN make\n"
        + SLIM
        + "COPY --from=builder /b/dist /d\n"
        + LAST,
    ),
    (
        "LD705",
        "FROM python:3.11 AS builder\nRUN ./build.sh\n" + SLIM + "COPY --from=builder /out /d\n" + LAST,
    ),
    ("LD705", "FROM acme/models:1 AS builder\n" + SLIM + "COPY --from=builder /out /d\n" + LAST),
    ("LD706", BUILDER + SLIM + 'COPY --from=builder /usr/local /usr/local\nCMD ["gunicorn"]\n' + LAST),
]


@pytest.mark.parametrize(("code", "text"), CAUGHT)
def test_is_caught(code: str, text: str) -> None:
    assert code in codes(text)


@pytest.mark.parametrize(("code", "text"), SPARED)
def test_is_not_caught(code: str, text: str) -> None:
    assert code not in codes(text)


def test_requirement_files_of_the_context_are_read() -> None:
    text = stage("COPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\n")
    assert "LD206" in codes(text, requirements_txt="fastapi\ntorch==2.3.0 # the default\n")
    assert "LD206" in codes(text, requirements_txt="-r base.txt\n", base_txt="sentence-transformers\n")
    assert "LD206" not in codes(
        text, requirements_txt="--extra-index-url https://x/whl/cpu\ntorch==2.3.0+cpu\n"
    )
    assert "LD206" not in codes(text, requirements_txt="fastapi\n# torch\n")
    assert "LD206" not in codes(text, requirements_txt="-r requirements.txt\n")
    assert "LD206" not in codes(text)


def test_with_a_lock_what_wheels_link_to_decides() -> None:
    needed = (
        LockedLibrary("libpq5", "libpq.so.5", "psycopg2", "psycopg2/_psycopg.so"),
        LockedLibrary("libgomp1", "libgomp.so.1", "lightgbm", "lightgbm/lib.so"),
        LockedLibrary("libstdc++6", "libstdc++.so.6", "lightgbm", "lightgbm/lib.so"),
        LockedLibrary("libssl3t64", "libssl.so.3", "psycopg2", "psycopg2/_psycopg.so"),
    )
    text = two("RUN apt-get install -y libpq-dev libxml2-dev\n", APT.format("postgresql-client-15"))
    options = Options(context=Files(libraries=needed))
    found = [one for one in lint_text("Dockerfile", text, options).findings if one.rule.startswith("LD201")]
    assert [one.message for one in found] == [
        "lightgbm needs libgomp.so.1 (lightgbm/lib.so); the final stage lacks libgomp1"
    ]


def test_the_target_is_the_image() -> None:
    text = "FROM python:3.11-slim AS dev\nUSER root\nFROM dev AS prod\nUSER 1\n"
    assert codes(text) == []
    assert codes(text, target="dev") == ["LD501"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docker-bake.hcl", 'target "a" {\n  contexts = {\n    weights = "oci-layout://w"\n  }\n}\n'),
        ("docker-bake.hcl", 'target "a" { contexts = { "weights" = "../w" } }\n'),
        ("compose.yaml", "build:\n  additional_contexts:\n    weights: ../w\n  args: {}\n"),
        ("docker-compose.yml", "build:\n  additional_contexts:\n  - weights=../w\n"),
    ],
)
def test_build_contexts_that_are_named_beside_the_file_count_as_stages(name: str, text: str) -> None:
    files = Files({name: text})
    for origin, there in (("weights", True), ("wieghts", False), ("args", False)):
        dockerfile = f"{SLIM}COPY --from={origin} / /w/\n{LAST}"
        found = lint_text("Dockerfile", dockerfile, Options(context=files)).findings
        assert ("LD704-no-such-stage" in [finding.rule for finding in found]) is not there
