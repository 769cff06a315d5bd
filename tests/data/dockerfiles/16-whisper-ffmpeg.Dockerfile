FROM python:3.10-slim
RUN apt-get update
RUN apt-get install -y ffmpeg git
RUN rm -rf /var/lib/apt/lists/*
RUN pip install openai-whisper fastapi uvicorn[standard] python-multipart
COPY server.py /server.py
CMD ["uvicorn", "server:app", "--host", "0.0.0.0", "--port", "9000"]
