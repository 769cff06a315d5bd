# syntax=docker/dockerfile:1.7
FROM python:3.12-slim
RUN <<EOF
set -eu
apt-get update
apt-get install -y --no-install-recommends libgomp1
rm -rf /var/lib/apt/lists/*
EOF
COPY <<requirements.txt /tmp/requirements.txt
lightgbm==4.3.0
fastapi
requirements.txt
RUN <<EOF
pip install -r /tmp/requirements.txt
rm /tmp/requirements.txt
EOF
COPY score.py /
USER 65534
CMD ["python", "/score.py"]
