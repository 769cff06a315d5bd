"""Embeddings from Azure OpenAI."""

from collections.abc import Iterator, Sequence

from app.azure import NAME, Azure
from app.errors import UnavailableError
from app.vectors import Vector, normalised

_BATCH = 64


class AzureEmbedder:
    """Embeds through a deployment of an embedding model."""

    def __init__(self, azure: Azure, deployment: str) -> None:
        self._azure = azure
        self._deployment = deployment

    @property
    def model(self) -> str:
        """Return the deployment's name, set apart from local models."""
        return f"azure/{self._deployment}"

    def start(self) -> None:
        """Nothing to load."""

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text, in order."""
        return [vector for batch in _batches(texts) for vector in self._embed(batch)]

    def check(self) -> None:
        """Nothing beyond Azure's own check."""

    def close(self) -> None:
        """Nothing of its own to close."""

    def _embed(self, texts: list[str]) -> list[Vector]:
        with self._azure.client() as client:
            reply = client.embeddings.create(input=texts, model=self._deployment, encoding_format="float")
        in_order = sorted(reply.data, key=lambda item: item.index)
        if [item.index for item in in_order] != list(range(len(texts))):
            raise UnavailableError(NAME, "failed", f"{len(reply.data)} embeddings for {len(texts)} texts")
        try:
            return [normalised(item.embedding) for item in in_order]
        except ValueError as error:
            raise UnavailableError(NAME, "failed", str(error)) from error


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), _BATCH):
        yield list(texts[start : start + _BATCH])
