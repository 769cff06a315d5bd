from __future__ import annotations

import pytest

from tests.unit.dockerfile.migrate.migrating import Project, migrated, settings, told

START = "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nUSER 1\n"


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ('CMD ["uvicorn", "app:app"]', "uvicorn app:app"),
        ("CMD uvicorn app:app --port 80", "uvicorn app:app --port 80"),
        ("CMD exec gunicorn app:app", "gunicorn app:app"),
        ('CMD ["sh", "-c", "exec gunicorn app:app"]', "gunicorn app:app"),
        ('CMD ["/bin/bash", "-lc", "gunicorn app:app"]', "gunicorn app:app"),
        ('ENTRYPOINT ["python"]\nCMD ["-m", "app"]', "python -m app"),
        ("ENTRYPOINT python -m app\nCMD ignored", "python -m app"),
        ('ENTRYPOINT ["tini", "--"]\nCMD python -m app', "tini -- python -m app"),
        ('CMD ["/venv/bin/uvicorn", "app:app"]', "uvicorn app:app"),
        ('CMD ["/opt/app/.venv/bin/python", "x.py"]', "python x.py"),
        ('CMD ["poetry", "run", "uvicorn", "app:app"]', "uvicorn app:app"),
        ('CMD ["uv", "run", "--no-sync", "uvicorn", "app:app"]', "uvicorn app:app"),
        ('CMD ["conda", "run", "--no-capture-output", "-n", "ml", "python", "x.py"]', "python x.py"),
        ("CMD set -e; python x.py", "python x.py"),
    ],
)
def test_commands(lines: str, command: str) -> None:
    assert settings(f"{START}{lines}\n")["command"] == command.split()


def test_values_are_put_in_and_that_is_said() -> None:
    made = migrated(
        f'{START}ENV WORKERS=2\nCMD ["sh", "-c", "gunicorn a:b -w $WORKERS --bind :${{PORT:-80}}"]\n'
    )
    assert made.settings["command"] == ["gunicorn", "a:b", "-w", "2", "--bind", ":8000"]
    assert made.settings["env"] == {"WORKERS": "2"}
    assert told(made, "by hand") == ["7: values are put in: WORKERS = 2, PORT = 8000"]


def test_what_runs_before_is_told() -> None:
    made = migrated(f"{START}CMD alembic upgrade head && exec uvicorn app:app\n")
    assert made.settings["command"] == ["uvicorn", "app:app"]
    assert told(made, "by hand") == ["6: alembic upgrade head runs before the service"]


@pytest.mark.parametrize(
    "line",
    ["CMD python x.py | tee log", "CMD python x.py > log", "CMD python $UNSET", "CMD python --jobs $(nproc)"],
)
def test_what_only_a_shell_can_run_is_told(line: str) -> None:
    made = migrated(f"{START}{line}\n")
    assert "command" not in made.settings
    assert told(made, "by hand") == [f"6: a shell runs it: {line.removeprefix('CMD ')}"]
    assert "or keep the shell: runtime-packages" in made.rows[-1].hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'ENTRYPOINT ["/entrypoint.sh", "serve"]',
            "/entrypoint.sh is a shell script, and production has no shell",
        ),
        ('CMD ["bash", "start.sh"]', "bash is a shell script, and production has no shell"),
        ('CMD ["supervisord", "-n"]', "supervisord runs several services"),
    ],
)
def test_scripts_and_supervisors_are_told(line: str, message: str) -> None:
    made = migrated(f"{START}{line}\n")
    assert f"6: {message}" in told(made, "by hand")
    assert "command" not in made.settings


@pytest.mark.parametrize(
    ("line", "health"),
    [
        ("HEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1", "http://:8000/health"),
        ('HEALTHCHECK --interval=5s CMD ["wget", "--spider", "http://127.0.0.1:80/"]', "http://:80/"),
        (
            "HEALTHCHECK CMD python -c \"import urllib.request as u; u.urlopen('http://localhost:9/up')\"",
            "http://:9/up",
        ),
        ("HEALTHCHECK CMD curl -f http://localhost", "http://:80/"),
        ("HEALTHCHECK NONE", None),
        ("HEALTHCHECK CMD pg_isready", None),
    ],
)
def test_health_checks(line: str, health: str | None) -> None:
    assert settings(f"{START}{line}\n").get("health") == health


def test_the_application_s_own_route_is_taken_where_there_is_no_check() -> None:
    project = Project({"requirements.txt": ""}, route="/healthz")
    assert settings(f"{START}EXPOSE 80\n", project)["health"] == "http://:80/healthz"


def test_ports() -> None:
    made = migrated(f"{START}EXPOSE 8000 9000/tcp 53/udp\nEXPOSE 8000-8002\n")
    assert made.settings["ports"] == [8000, 9000]
    assert told(made, "by hand") == [
        "6: 53/udp is no single port of TCP",
        "7: 8000-8002 is no single port of TCP",
    ]


def test_a_port_of_the_command_is_taken_where_none_is_exposed() -> None:
    assert settings(f'{START}CMD ["gunicorn", "a:b", "--bind", "0.0.0.0:80"]\n')["ports"] == [80]
    assert settings(f'{START}CMD ["streamlit", "run", "a.py", "--server.port=8501"]\n')["ports"] == [8501]


def test_signals_volumes_and_authors() -> None:
    made = migrated(f"{START}STOPSIGNAL SIGTERM\nVOLUME /data\nSTOPSIGNAL SIGINT\nMAINTAINER someone\n")
    assert told(made, "by hand") == ["7: an image of Lightship declares no volume"]
    assert made.settings["stop-signal"] == "SIGINT"
    assert made.settings["labels"] == {"org.opencontainers.image.authors": "someone"}


@pytest.mark.parametrize(
    ("text", "name"),
    [("2", "SIGINT"), ("quit", "SIGQUIT"), ("SIGRTMIN", "SIGRTMIN"), ("15", ""), ("TERM", "")],
)
def test_a_stop_signal_of_any_spelling(text: str, name: str) -> None:
    assert settings(f"{START}STOPSIGNAL {text}\n").get("stop-signal", "") == name


def test_a_stop_signal_that_is_none_is_by_hand() -> None:
    assert told(migrated(f"{START}STOPSIGNAL SIGNOT\n"), "by hand") == ["6: no signal is called SIGNOT"]
