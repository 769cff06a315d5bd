FROM python:3.11-bookworm AS builder
WORKDIR /build
COPY requirements-gpu.txt .
RUN pip wheel --no-cache-dir --wheel-dir /wheels -r requirements-gpu.txt

FROM nvidia/cuda:12.4.1-base-ubuntu22.04 AS runtime
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=bind,from=builder,source=/wheels,target=/wheels \
    pip3 install --no-cache-dir --no-index --find-links=/wheels /wheels/*.whl
COPY serve.py /opt/serve.py
USER 1000:1000
ENTRYPOINT ["python3", "/opt/serve.py"]
