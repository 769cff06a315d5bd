FROM python:3.11-alpine3.20
RUN apk add --virtual .build-deps gcc musl-dev libffi-dev \
    && pip install --no-cache-dir -r https://example.com/requirements.txt \
    && apk del .build-deps
RUN apk add --no-cache ffmpeg
WORKDIR /bot
COPY bot/ .
RUN addgroup -S bot && adduser -S bot -G bot
USER bot
CMD ["python", "telegram.py"]
