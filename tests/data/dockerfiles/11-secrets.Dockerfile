FROM python:3.11-slim
ARG OPENAI_API_KEY
ENV OPENAI_API_KEY=$OPENAI_API_KEY
ENV AZURE_OPENAI_ENDPOINT=https://example.com/ AZURE_OPENAI_KEY_VERSION=2024-02-01
ARG GITHUB_TOKEN
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir git+https://${GITHUB_TOKEN}@example.com/acme/prompts.git
WORKDIR /app
COPY .env .
COPY app app
USER 10001
CMD ["python", "-m", "app"]
