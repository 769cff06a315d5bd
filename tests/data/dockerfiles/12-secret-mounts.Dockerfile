# syntax=docker/dockerfile:1
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=secret,id=pipconf,target=/etc/pip.conf \
    --mount=type=cache,target=/root/.cache/pip \
    pip install -r requirements.txt
RUN --mount=type=secret,id=token \
    pip install --no-cache-dir "git+https://$(cat /run/secrets/token)@example.com/acme/private.git"
COPY app app
USER 10001
CMD ["python", "-m", "app"]
