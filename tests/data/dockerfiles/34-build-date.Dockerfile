FROM python:3.11-slim
ARG GIT_SHA=unknown
ARG BUILD_DATE
LABEL org.opencontainers.image.revision=$GIT_SHA org.opencontainers.image.created=$BUILD_DATE
WORKDIR /app
COPY constraints.txt requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt -c constraints.txt
COPY src src
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
USER 1000
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "src"]
