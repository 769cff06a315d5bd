from __future__ import annotations

from tests.unit.dockerfile.migrate.migrating import Project, migrated, settings, told

FINAL = "FROM python:3.11-slim\nWORKDIR /app\nCOPY app app\n"
PROJECT = Project(
    {"app/main.py": "", "export.py": "print()", "fetch.py": "urlretrieve(x)", "ui/package.json": ""}
)


def test_a_stage_that_makes_files_becomes_a_named_one() -> None:
    text = (
        "FROM python:3.11 AS model\nWORKDIR /build\nCOPY requirements.txt export.py ./\n"
        "RUN pip install -r requirements.txt\nRUN python export.py --out model.onnx\n"
        f"{FINAL}COPY --from=model /build/model.onnx ./models/\nUSER 1\n"
    )
    made = settings(text, PROJECT)
    assert made["stages"] == {
        "model": {
            "requirements": ["requirements.txt"],
            "inputs": ["requirements.txt", "export.py"],
            "run": [
                "python export.py --out model.onnx",
                "mkdir -p /out/build && cp -R model.onnx /out/build/model.onnx",
            ],
            "copy": {"/out/build/model.onnx": "/app/models/model.onnx"},
        }
    }


def test_paths_that_commands_name_become_the_stage_s_own() -> None:
    text = (
        "FROM python:3.11 AS model\nCOPY export.py /tools/export.py\n"
        "RUN python /tools/export.py > /weights.bin\n"
        f"{FINAL}COPY --from=model /weights.bin /models/weights.bin\nUSER 1\n"
    )
    assert settings(text, PROJECT)["stages"]["model"] == {
        "inputs": ["export.py"],
        "run": ["mkdir -p /out", "python export.py > /out/weights.bin"],
        "copy": {"/out/weights.bin": "/models/weights.bin"},
    }


def test_what_needs_a_network_is_made_before() -> None:
    text = (
        "FROM node:20 AS ui\nWORKDIR /ui\nCOPY ui/ ./\nRUN npm ci && npm run build\n"
        f"{FINAL}COPY --from=ui /ui/dist /app/static\nUSER 1\n"
    )
    made = migrated(text, PROJECT)
    assert made.settings["stages"]["ui"] == {
        "inputs": ["ui/dist"],
        "run": ["mkdir -p /out/app/static && cp -R ui/dist/. /out/app/static/"],
        "copy": {"/out/app/static": "/app/static"},
    }
    row = next(row for row in made.rows if row.line == 1)
    assert (row.kind, row.hint) == ("by hand", "do before the build, in the project: npm ci && npm run build")


def test_a_script_that_downloads_is_found_by_what_it_holds() -> None:
    text = (
        "FROM python:3.11 AS model\nCOPY fetch.py /fetch.py\nRUN python /fetch.py --to /model.gguf\n"
        f"{FINAL}COPY --from=model /model.gguf /model.gguf\nUSER 1\n"
    )
    assert "1: stages see no network, and stage 'model' needs one" in told(migrated(text, PROJECT), "by hand")


def test_outputs_that_cannot_be_followed_are_told() -> None:
    text = f"FROM python:3.11 AS m\nRUN python -c 1\n{FINAL}COPY --from=m /elsewhere /x\nUSER 1\n"
    made = migrated(text, PROJECT)
    assert "1: where its commands put what they make cannot be told" in told(made, "by hand")
    assert "stages" not in made.settings


def test_files_of_an_image_become_a_stage() -> None:
    text = (
        f"{FINAL}COPY --from=nginx:1.27 /etc/nginx/mime.types /srv/\n"
        "COPY --from=other.example.com/nginx:1 /a /b\nCOPY --from=nginx:1.27 /c /d\nUSER 1\n"
    )
    made = migrated(text, PROJECT)
    assert made.settings["stages"] == {
        "nginx": {"image": "nginx:1.27", "copy": {"/etc/nginx/mime.types": "/srv/mime.types", "/c": "/d"}},
        "nginx-2": {"image": "other.example.com/nginx:1", "copy": {"/a": "/b"}},
    }
    assert "4: stage 'nginx': files of the image nginx:1.27" in told(made, "carried over")


def test_an_image_that_a_build_argument_names_is_told() -> None:
    text = f"ARG TOOL\n{FINAL}ARG TOOL\nCOPY --from=$TOOL /a /b\nUSER 1\n"
    assert "6: a build argument names the image" in told(migrated(text, PROJECT), "by hand")


def test_uv_s_own_image_is_not_needed() -> None:
    made = migrated(f"{FINAL}COPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/\nUSER 1\n", PROJECT)
    assert "4: no installer is in the image: the lock is made by Lightship's own uv" in told(
        made, "not needed"
    )


def test_a_misspelt_stage_is_named() -> None:
    text = f"FROM python:3.11 AS builder\nRUN pip install a\n{FINAL}COPY --from=bulider /x /x\nUSER 1\n"
    assert "6: there is no stage 'bulider'" in told(migrated(text, PROJECT), "by hand")


def test_what_the_loader_refuses_is_told_and_not_written() -> None:
    text = (
        "FROM python:3.11 AS model\nRUN python -c 1 > /a\n"
        f"{FINAL}COPY --from=model /a /etc/../run/a\nUSER 1\n"
    )
    made = migrated(text, PROJECT)
    assert "stages" not in made.settings
    assert made.settings["user"] == "appuser:1:1"
    assert "3: stages: stage 'model': copy: '/run/a' is reserved" in told(made, "by hand")
