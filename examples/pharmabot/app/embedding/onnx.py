"""Embeddings from an exported model through ONNX Runtime: no torch."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.embedding.background import NAME, BackgroundEmbedder, Encode
from app.errors import UnavailableError
from app.vectors import Vector, normalised

if TYPE_CHECKING:
    from tokenizers import Encoding

_CONFIG = "config.json"


def model_exported(folder: Path) -> bool:
    """Say whether `export/export_model.py` has left a model there."""
    return (folder / _CONFIG).is_file()


class OnnxEmbedder(BackgroundEmbedder):
    """Embeds as sentence-transformers does: the mean of the tokens' vectors, scaled to length one.

    `folder` is what `export/export_model.py` or `export/quantize_model.py` writes.
    """

    def __init__(self, folder: Path, timeout: float) -> None:
        config = json.loads((folder / _CONFIG).read_text("utf-8"))
        super().__init__(config["model"], timeout)
        self._folder = folder
        self._max_tokens: int = config["max_tokens"]

    def _load(self) -> Encode:
        try:
            from onnxruntime import InferenceSession
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            session = InferenceSession(self._folder / "model.onnx", providers=["CPUExecutionProvider"])
        except Exception as error:  # what these libraries raise has no common class
            raise UnavailableError(NAME, "cannot be loaded", repr(error)) from error
        tokenizer.enable_truncation(self._max_tokens)
        tokenizer.no_padding()

        # One text at a time: a quantized model scales by the largest value of a batch, so that a text's
        # vector would depend on its neighbours.
        def encode(texts: list[str]) -> list[Vector]:
            return [_embed(session, tokenizer.encode(text)) for text in texts]

        return encode


def _embed(session: Any, encoding: "Encoding") -> Vector:
    import numpy as np

    ids = np.array([encoding.ids], dtype=np.int64)
    (tokens,) = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    return normalised(tokens[0].mean(axis=0).tolist())
