FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
COPY . .
RUN adduser --disabled-password --gecos "" worker && chown -R worker /app
USER worker

FROM base AS web
CMD ["gunicorn", "core.wsgi"]

FROM base AS worker
CMD celery -A core worker --loglevel=info
