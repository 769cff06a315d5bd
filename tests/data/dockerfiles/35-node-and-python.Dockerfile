FROM node:20-bookworm-slim AS ui
WORKDIR /ui
COPY ui/package*.json ./
RUN npm ci
COPY ui/ ./
RUN npm run build

FROM python:3.12-slim-bookworm AS api-deps
WORKDIR /deps
COPY api/requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -r requirements.txt

FROM python:3.12-slim-bookworm
COPY --from=api-deps /venv /venv
COPY --from=ui /ui/dist /srv/static
COPY api /srv/api
WORKDIR /srv
USER 1000
EXPOSE 8080
CMD ["/venv/bin/uvicorn", "api.main:app", "--port", "8080"]
