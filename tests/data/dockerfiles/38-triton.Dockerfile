FROM nvcr.io/nvidia/tritonserver:24.05-py3
RUN pip install --no-cache-dir transformers==4.41.0 tokenizers
COPY models /models
EXPOSE 8000 8001 8002
CMD ["tritonserver", "--model-repository=/models"]
