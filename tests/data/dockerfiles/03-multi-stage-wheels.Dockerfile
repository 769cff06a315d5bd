FROM python:3.12-bookworm AS wheels
WORKDIR /src
RUN apt-get update && apt-get install -y gcc libpq-dev libxml2-dev libxslt1-dev
COPY requirements.txt .
RUN pip wheel --wheel-dir /wheels -r requirements.txt

FROM python:3.12-slim-bookworm
WORKDIR /app
COPY --from=wheels /wheels /wheels
RUN pip install --no-index --find-links=/wheels /wheels/*.whl \
    && rm -rf /wheels
COPY src/ ./src/
USER 1000
CMD ["python", "-m", "src.server"]
