FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
# lightship: ignore=LD209 the cache is wanted: the image is a CI image
RUN pip install -r requirements.txt
# hadolint ignore=DL3025
CMD python main.py
# lightship: ignore=LD501
USER root
# lightship: ignore=LD602 left from before
EXPOSE 80
