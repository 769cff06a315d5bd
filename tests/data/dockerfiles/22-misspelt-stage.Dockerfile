FROM python:3.11-slim AS builder
WORKDIR /install
COPY requirements.txt .
RUN pip install --no-cache-dir --prefix=/install -r requirements.txt

FROM node:20-alpine AS frontend
WORKDIR /ui
COPY ui/package.json ui/package-lock.json ./
RUN npm ci
COPY ui .
RUN npm run build

FROM python:3.11-slim
COPY --from=bulider /install /usr/local
COPY --from=frontend /ui/dist /app/static
COPY server /app/server
WORKDIR /app
USER 1000
CMD ["python", "-m", "server"]
