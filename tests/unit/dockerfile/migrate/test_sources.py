from __future__ import annotations

from tests.unit.dockerfile.migrate.migrating import Project, migrated, settings, told

SERVICE = Project(
    {
        "requirements.txt": "fastapi\n",
        "app/main.py": "",
        "backend/main.py": "",
        "static/page.html": "",
        "tests/test_app.py": "",
        "README.md": "",
        "Dockerfile": "",
        ".env": "",
        "nginx.conf": "",
    }
)


def copying(lines: str, workdir: str = "/app") -> str:
    where = f"WORKDIR {workdir}\n" if workdir else ""
    return f"FROM python:3.11-slim\n{where}{lines}\nUSER 1\n"


def test_folders_and_files_below_the_working_directory() -> None:
    made = settings(copying("COPY app ./app\nCOPY static/ static/\nCOPY nginx.conf .\n"), SERVICE)
    assert made["sources"] == ["app/", "static/", "nginx.conf"]
    assert made["workdir"] == "/app"


def test_the_whole_project_is_named_piece_by_piece() -> None:
    made = migrated(copying("COPY . ."), SERVICE)
    assert made.settings["sources"] == ["app/", "backend/", "nginx.conf", "static/"]
    row = next(row for row in made.rows if row.text == "COPY . .")
    assert row.hint == "left out: .env, Dockerfile, README.md, requirements.txt, tests"


def test_an_unknown_project_is_taken_whole() -> None:
    assert settings(copying("COPY . ."), Project())["sources"] == ["."]


def test_a_folder_may_become_the_working_directory() -> None:
    text = copying('COPY backend/ .\nCMD ["python", "main.py"]\n')
    made = migrated(text, SERVICE)
    assert made.settings["sources"] == ["backend/"]
    assert made.settings["env"] == {"PYTHONPATH": "/app/backend"}
    assert made.settings["command"] == ["python", "backend/main.py"]


def test_without_a_working_directory_the_copies_tell_one() -> None:
    made = settings(copying("COPY app /srv/app\n", workdir=""), SERVICE)
    assert (made["workdir"], made["sources"]) == ("/srv", ["app/"])
    made = settings(copying("COPY nginx.conf /nginx.conf\n", workdir=""), SERVICE)
    assert (made["workdir"], made["sources"]) == ("/", ["nginx.conf"])


def test_what_lies_elsewhere_goes_through_a_stage() -> None:
    text = copying("COPY app app\nCOPY nginx.conf /srv/conf/\nCOPY static /srv/static\n")
    assert settings(text, SERVICE)["stages"] == {
        "files": {
            "inputs": ["nginx.conf", "static"],
            "run": [
                "mkdir -p /out/srv/conf && cp nginx.conf /out/srv/conf/nginx.conf",
                "mkdir -p /out/srv/static && cp -R static/. /out/srv/static/",
            ],
            "copy": {
                "/out/srv/conf/nginx.conf": "/srv/conf/nginx.conf",
                "/out/srv/static": "/srv/static",
            },
        }
    }


def test_places_that_layers_may_not_write_are_told() -> None:
    made = migrated(copying("COPY app app\nCOPY nginx.conf /etc/nginx/nginx.conf\n"), SERVICE)
    assert told(made, "by hand")[-1:] == ["4: nginx.conf goes to /etc/nginx/nginx.conf"]


def test_a_path_through_a_builder_comes_from_the_project() -> None:
    text = (
        "FROM python:3.11 AS b\nWORKDIR /app\nCOPY requirements.txt .\n"
        "RUN pip install -r requirements.txt --prefix /deps\nCOPY app app\n"
        "FROM python:3.11-slim\nWORKDIR /app\nCOPY --from=b /deps /usr/local\n"
        "COPY --from=b /app /app\nUSER 1\n"
    )
    made = migrated(text, SERVICE)
    assert made.settings["sources"] == ["app/"]
    assert made.complete


def test_secrets_scripts_urls_and_documents_are_told() -> None:
    text = copying(
        "COPY .env .\nCOPY docker-entrypoint.sh /\nADD https://example.com/model.bin /m/\n"
        "COPY <<settings.ini /app/\na=b\nsettings.ini\nADD data.tar.gz /data\n"
        'ENTRYPOINT ["/docker-entrypoint.sh"]\n'
    )
    assert told(migrated(text, SERVICE), "by hand")[1:] == [
        "3: .env may hold secrets, and is never shipped",
        "4: docker-entrypoint.sh is a shell script, and production has no shell",
        "5: fetched while the image is built",
        "6: settings.ini is written here, for /app",
        "9: ADD unpacks the archive",
        "10: /docker-entrypoint.sh is a shell script, and production has no shell",
    ]


def test_patterns_are_looked_up() -> None:
    project = Project({"a.py": "", "b.py": "", "c.txt": "", "requirements.txt": ""})
    assert settings(copying("COPY *.py ./\n"), project)["sources"] == ["a.py", "b.py"]
