FROM python:3.11-slim
WORKDIR /app
ENV PIP_INDEX_URL=https://ci:hunter2@pypi.example.com/simple
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url https://reader:s3cret@pkgs.example.com/simple -r requirements.txt
COPY . .
USER 1000
CMD ["gunicorn", "wsgi:app"]
