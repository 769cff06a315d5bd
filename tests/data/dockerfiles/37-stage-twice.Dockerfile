FROM debian:bookworm-slim AS model
ADD https://example.com/model.gguf /model.gguf

FROM python:3.11-slim AS model
COPY download.py /download.py
RUN python /download.py --to /model.gguf

FROM python:3.11-slim
COPY --from=model /model.gguf /model.gguf
COPY --from=nginx:latest /etc/nginx/nginx.conf /etc/app/nginx.conf
COPY main.py /main.py
USER 1000
CMD ["python", "/main.py"]
