"""Embedders: a model in this process where one is installed, Azure OpenAI's endpoint otherwise."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Protocol

from app.azure import Azure
from app.embedding.azure import AzureEmbedder
from app.embedding.local import LocalEmbedder
from app.embedding.onnx import OnnxEmbedder, model_exported
from app.settings import Settings
from app.vectors import Vector


class Embedder(Protocol):
    """Turns texts into vectors of length one."""

    @property
    def model(self) -> str:
        """Return the model's name; only vectors of one model can be compared."""

    def start(self) -> None:
        """Begin to get ready, without waiting for it."""

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text, in order."""

    def check(self) -> None:
        """Raise `UnavailableError` unless `embed` would be answered at once."""

    def close(self) -> None:
        """Let go of what `start` took."""


def local_inference_installed() -> bool:
    """Say whether sentence-transformers is there, without importing it (and torch with it)."""
    return find_spec("sentence_transformers") is not None


def create_embedder(settings: Settings, azure: Azure) -> Embedder:
    """Choose the back end that the settings ask for, or the first that is there."""
    wanted = settings.embedding_backend
    local = local_inference_installed()
    exported = find_spec("onnxruntime") is not None and model_exported(settings.embedding_model_folder)
    if wanted == "local" and not local:
        message = "EMBEDDING_BACKEND is local, but sentence-transformers is not installed"
        raise RuntimeError(message)
    if wanted == "onnx" and not exported:
        message = (
            "EMBEDDING_BACKEND is onnx, but there is no onnxruntime, or no model in EMBEDDING_MODEL_FOLDER"
        )
        raise RuntimeError(message)
    if wanted == "local" or (wanted == "auto" and local):
        return LocalEmbedder(settings.embedding_device, settings.embedding_timeout)
    if wanted == "onnx" or (wanted == "auto" and exported):
        return OnnxEmbedder(settings.embedding_model_folder, settings.embedding_timeout)
    return AzureEmbedder(azure, settings.azure_openai_embedding_deployment)
