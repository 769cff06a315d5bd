FROM python:3.11-slim AS downloader
RUN python -c "print('weights')" > /weights.bin

FROM python:3.11-slim AS model-cache
RUN python -c "print('weights')" > /weights.bin

FROM python:3.11-slim
COPY --from=downloader /weights.bin /models/weights.bin
COPY main.py /main.py
USER 1000
CMD ["python", "/main.py"]
