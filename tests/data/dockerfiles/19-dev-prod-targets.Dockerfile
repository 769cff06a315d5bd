FROM python:3.11-slim AS base
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt

FROM base AS development
COPY requirements-dev.txt .
RUN pip install -r requirements-dev.txt
CMD ["uvicorn", "app.main:app", "--reload"]

FROM base AS production
RUN groupadd --gid 1001 web && useradd --uid 1001 --gid web web
COPY app/ ./app/
RUN chown -R web:web /app
USER web
CMD ["gunicorn", "app.main:app", "--workers", "4"]
