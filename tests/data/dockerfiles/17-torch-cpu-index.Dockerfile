FROM python:3.11-slim-bookworm
WORKDIR /app
RUN pip install --no-cache-dir torch==2.3.0 --index-url https://download.pytorch.org/whl/cpu
COPY requirements.txt .
RUN pip install --no-cache-dir sentence-transformers==3.0.0 -r requirements.txt
COPY embed.py .
RUN useradd -r embed
USER embed
CMD ["python", "embed.py"]
