"""Embedders: a local model where one is installed, Azure OpenAI's endpoint otherwise."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Protocol

from app.azure import Azure
from app.embedding.azure import AzureEmbedder
from app.embedding.local import LocalEmbedder
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
    """Choose the back end that the settings ask for, or that is installed."""
    installed = local_inference_installed()
    if settings.embedding_backend == "local" and not installed:
        message = "EMBEDDING_BACKEND is local, but sentence-transformers is not installed"
        raise RuntimeError(message)
    if settings.embedding_backend != "azure" and installed:
        return LocalEmbedder(settings.embedding_device, settings.embedding_timeout)
    return AzureEmbedder(azure, settings.azure_openai_embedding_deployment)
