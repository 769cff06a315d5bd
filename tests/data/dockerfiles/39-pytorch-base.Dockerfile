FROM pytorch/pytorch:2.3.0-cuda12.1-cudnn8-devel
WORKDIR /workspace
RUN apt-get update && apt-get install -y git ninja-build && rm -rf /var/lib/apt/lists/*
RUN pip install flash-attn --no-build-isolation
COPY . .
ENTRYPOINT python train.py --config $CONFIG
