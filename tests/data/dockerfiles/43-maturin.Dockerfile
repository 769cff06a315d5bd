FROM rust:1.78-slim-bookworm AS rust
RUN apt-get update && apt-get install -y --no-install-recommends python3-dev python3-pip python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /crate
COPY Cargo.toml Cargo.lock pyproject.toml ./
COPY src src
RUN python3 -m venv /v && /v/bin/pip install --no-cache-dir maturin && /v/bin/maturin build --release --out /dist

FROM python:3.11-slim-bookworm
RUN --mount=type=bind,from=rust,source=/dist,target=/dist pip install --no-cache-dir --no-index /dist/*.whl
USER 1000
CMD ["python", "-c", "import tokenizer_rs"]
