FROM vllm/vllm-openai:latest
ENV HF_HOME=/models
ENV HUGGING_FACE_HUB_TOKEN=hf_abcdefghijklmnop
RUN pip install --no-cache-dir hf-transfer
COPY chat_template.jinja /templates/
ENTRYPOINT ["python3", "-m", "vllm.entrypoints.openai.api_server", "--model", "/models/llama"]
