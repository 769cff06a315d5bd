"""Whatever a Dockerfile says, a migration gives a configuration that loads, and something of every line."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lightship.dockerfile.migrate.migrate import migrate
from lightship.dockerfile.migrate.write import to_toml
from lightship.dockerfile.parser import parse
from lightship.project.config import parse_config
from tests.property.test_dockerfile import FILES, TEXTS
from tests.unit.dockerfile.migrate.migrating import PLAIN, Project

LINES = st.sampled_from(
    [
        *(
            "COPY --from=b /app/out /srv/",
            "COPY --from=b /x /etc/x",
            "COPY --from=nginx /a /b",
            "COPY ../a /b",
        ),
        *(
            "ADD https://example.com/a.tar.gz /a",
            "COPY <<E /a\nb\nE",
            'COPY ["a b", "c d/"]',
            "WORKDIR $X/../..",
        ),
        *(
            "USER 0:0",
            "USER a b",
            "RUN useradd -u",
            "RUN adduser",
            "EXPOSE 99999 x 80-81",
            "LABEL io.lightship.a=b",
        ),
        *("RUN if [ $A = b ]; then pip install a; else pip install b; fi", "RUN fi else esac; pip install c"),
        *(
            "ARG A=b",
            "RUN python make.py > /x",
            "RUN uv sync --extra a",
            "RUN poetry install",
            "RUN conda install a",
        ),
        *(
            "RUN pip install . -c c.txt",
            "RUN pip install -r",
            "RUN pip install git+https://a:b@example.com/c",
        ),
        *(
            "HEALTHCHECK CMD curl http://localhost:99999/",
            "CMD [ ]",
            "CMD",
            'ENTRYPOINT ["sh", "-c"]',
            "VOLUME /a",
        ),
        *(
            "CMD sh -c 'a $B | c'",
            "STOPSIGNAL 9",
            "ONBUILD RUN a",
            'SHELL ["a"]',
            "ENV A=\udcff",
            "FROM scratch",
        ),
        *("WORKDIR /app", "COPY . .", "CMD python -m app", "RUN apt-get install -y libpq5 $X gcc curl"),
    ]
)
MIXED = st.lists(LINES, max_size=12).map(lambda lines: "\n".join(("FROM python:3.11 AS b", *lines)))


@given(MIXED | FILES | TEXTS, st.sampled_from([Project(), PLAIN]))
@settings(deadline=None, max_examples=300)
def test_every_file_that_parses_can_be_migrated(text: str, project: Project) -> None:
    document = parse("Dockerfile", text)
    if document.problems:
        return
    made = migrate(document, project)
    written = tomllib.loads(to_toml(made.settings, "Dockerfile", shared=True))["tool"]["lightship"]
    assert written == made.settings
    parse_config(written, Path("pyproject.toml"))
    assert made.rows
    assert "a:b@" not in repr(made)
