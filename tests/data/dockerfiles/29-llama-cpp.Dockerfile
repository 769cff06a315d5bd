ARG UBUNTU_VERSION=22.04
FROM ubuntu:$UBUNTU_VERSION AS build
RUN apt-get update && apt-get install -y build-essential git cmake libcurl4-openssl-dev
WORKDIR /app
COPY . .
RUN cmake -B build -DLLAMA_CURL=ON && cmake --build build --config Release -j$(nproc)

FROM ubuntu:$UBUNTU_VERSION AS runtime
RUN apt-get update && apt-get install -y libcurl4 libgomp1 curl \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /app/build/bin/llama-server /llama-server
ENV LC_ALL=C.utf8
HEALTHCHECK CMD [ "curl", "-f", "http://localhost:8080/health" ]
ENTRYPOINT [ "/llama-server" ]
