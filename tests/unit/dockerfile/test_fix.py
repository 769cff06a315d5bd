from __future__ import annotations

import pytest

from lightship.dockerfile.fix import fix_text
from lightship.dockerfile.lint import Options
from tests.unit.dockerfile.checking import mended

SLIM = "FROM python:3.11-slim\nUSER 1\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SLIM + "CMD  python  main.py # a\n", SLIM + "CMD  exec python  main.py # a\n"),
        (SLIM + "CMD  python  main.py\n", SLIM + 'CMD  ["python", "main.py"]\n'),
        (SLIM + "CMD python $X \\\n  # why\n  --y", SLIM + "CMD exec python $X \\\n  # why\n  --y"),
        (
            SLIM + "RUN pip install \\\n   # a\n   flask\n",
            SLIM + "RUN pip install --no-cache-dir \\\n   # a\n   flask\n",
        ),
        (SLIM + "RUN pip install -U pip\n# next\nEXPOSE 80\n", SLIM + "# next\nEXPOSE 80\n"),
        (SLIM + "\nRUN pip install -U pip\n\nEXPOSE 80\n", SLIM + "\nEXPOSE 80\n"),
        (
            SLIM + "RUN set -e; pip install -U pip && pip install --no-cache-dir a\n",
            SLIM + "RUN set -e; pip install --no-cache-dir a\n",
        ),
        (
            SLIM + "RUN pip install --no-cache-dir a && pip install -U pip\n",
            SLIM + "RUN pip install --no-cache-dir a\n",
        ),
        (
            SLIM + "RUN <<EOF\nset -e\npip install -U pip\npip install --no-cache-dir a\nEOF\n",
            SLIM + "RUN <<EOF\nset -e\npip install --no-cache-dir a\nEOF\n",
        ),
        (
            SLIM + "RUN apt-get update && \\\r\n    apt-get install -y curl\r\n",
            SLIM
            + "RUN apt-get update && \\\r\n    apt-get install -y curl \\\r\n"
            + "    && rm -rf /var/lib/apt/lists/*\r\n",
        ),
        (
            "# escape=`\n" + SLIM + "RUN apt-get update && `\n  apt-get install -y curl",
            "# escape=`\n"
            + SLIM
            + "RUN apt-get update && `\n  apt-get install -y curl `\n  && rm -rf /var/lib/apt/lists/*",
        ),
    ],
)
def test_is_mended_in_place(before: str, after: str) -> None:
    assert mended(before) == after


@pytest.mark.parametrize(
    "text",
    [
        SLIM + "CMD python main.py && true\n",
        SLIM + 'CMD ["sh", "-c", "a; python main.py"]\n',
        SLIM + "RUN apt-get update\nRUN apt-get install -y curl\n",
        SLIM + "RUN apt-get update || true; apt-get install -y curl | tee log\n",
        SLIM + "RUN if true; then pip install -U --no-cache-dir pip || exit; fi\n",
        SLIM + "RUN pip install --no-cache-dir -U pip flask\n",
        SLIM + "COPY app /app\nRUN useradd me && chown -R me /app\n",
        SLIM + "RUN useradd me\nCOPY app /app\nRUN make -C /app && chown -R me /app\n",
        SLIM + "RUN useradd me\nCOPY --chown=1 app /app\nRUN chown -R me /app\n",
        "FROM python:3.11-slim AS b\n"
        + SLIM
        + "COPY --from=b /w /w\nRUN pip install --no-cache-dir /w/a.whl && rm -rf /w\nRUN ls /w\n",
    ],
)
def test_what_cannot_be_mended_safely_stays(text: str) -> None:
    assert mended(text).replace(" --no-cache-dir", "") == text.replace(" --no-cache-dir", "")


def test_the_rest_of_the_file_stays_byte_for_byte() -> None:
    text = "\ufeff# \udce9 latin\n\n\n" + SLIM + "\t# x\nRUN   pip install a   \n\n# end"
    assert mended(text) == text.replace("pip install", "pip install --no-cache-dir")


def test_a_broken_file_is_left_alone() -> None:
    fixed = fix_text("Dockerfile", "FROM a\nRUNN b\n", Options())
    assert (fixed.text, fixed.mended) == ("FROM a\nRUNN b\n", ())
