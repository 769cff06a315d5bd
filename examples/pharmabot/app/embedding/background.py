"""A model in this process, loaded and run in one thread of its own."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from app.errors import UnavailableError
from app.vectors import Vector

NAME = "embedding-model"
_log = structlog.stdlib.get_logger(__name__)

Encode = Callable[[list[str]], list[Vector]]


class BackgroundEmbedder(ABC):
    """Loads a model when it is first wanted.

    One thread, because fast tokenizers may not be shared between threads; the model's runtime spreads the
    arithmetic over the cores by itself.
    """

    def __init__(self, model: str, timeout: float) -> None:
        self._model = model
        self._timeout = timeout
        self._encode: Encode | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=NAME)

    @property
    def model(self) -> str:
        """Return the model's name; only vectors of one model can be compared."""
        return self._model

    def start(self) -> None:
        """Begin to load the model, which takes seconds, in the background."""
        self._thread.submit(self._warm_up)

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text, in order; waits for the model while it loads."""
        job = self._thread.submit(self._embed, list(texts))
        try:
            return job.result(self._timeout)
        except TimeoutError as error:
            job.cancel()
            raise UnavailableError(NAME, "did not answer in time") from error

    def check(self) -> None:
        """Raise `UnavailableError` until the model is loaded."""
        if self._encode is None:
            raise UnavailableError(NAME, "is not loaded")

    def close(self) -> None:
        """Finish the text in hand and drop those that wait."""
        self._thread.shutdown(cancel_futures=True)

    @abstractmethod
    def _load(self) -> Encode:
        """Load the model, or raise `UnavailableError`."""

    def _warm_up(self) -> None:
        try:
            self._loaded()
        except UnavailableError as error:
            _log.exception("model_not_loaded", detail=error.detail)

    def _embed(self, texts: list[str]) -> list[Vector]:
        return self._loaded()(texts)

    def _loaded(self) -> Encode:
        if self._encode is None:
            self._encode = self._load()
            _log.info("model_loaded", model=self.model)
        return self._encode
