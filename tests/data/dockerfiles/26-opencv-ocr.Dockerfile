FROM python:3.11-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ libtesseract-dev libleptonica-dev libgl1 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt .
RUN pip install --no-cache-dir --prefix=/deps -r requirements.txt

FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
COPY --from=build /deps /usr/local
COPY ocr /ocr
USER nobody
CMD ["python", "-m", "ocr"]
