FROM python:3.11 AS builder
ARG TORCH_VARIANT=cpu
WORKDIR /build
COPY requirements-base.txt requirements-torch-${TORCH_VARIANT}.txt ./
RUN pip wheel --no-cache-dir --wheel-dir /wheels -r requirements-base.txt -r requirements-torch-${TORCH_VARIANT}.txt

FROM python:3.11-slim
WORKDIR /app
RUN --mount=from=builder,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links=/wheels /wheels/*.whl
COPY app/ app/
RUN python -m compileall -q app
USER 1001:1001
ENV PYTHONDONTWRITEBYTECODE=1
CMD ["gunicorn", "app.main:app"]
