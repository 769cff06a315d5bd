"""The parts of a running service, made once from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.answers import Answers, Model
from app.azure import Azure
from app.cache import AnswerCache
from app.database import Database
from app.embedding import Embedder, create_embedder
from app.leaflets import Leaflets

if TYPE_CHECKING:
    from app.settings import Settings


@dataclass(frozen=True)
class Services:
    """What the endpoints work with."""

    database: Database
    cache: AnswerCache
    azure: Azure
    embedder: Embedder
    leaflets: Leaflets
    answers: Answers

    @classmethod
    def create(cls, settings: Settings) -> Services:
        """Wire the parts together; nothing is connected to or loaded yet."""
        database = Database(
            settings.database_url.get_secret_value(), settings.database_pool_size, settings.database_timeout
        )
        cache = AnswerCache(
            settings.redis_url.get_secret_value(), settings.redis_timeout, settings.answer_ttl
        )
        azure = Azure(settings)
        embedder = create_embedder(settings, azure)
        leaflets = Leaflets(database, embedder)
        model = Model(settings.azure_openai_chat_deployment, settings.answer_max_tokens)
        return cls(database, cache, azure, embedder, leaflets, Answers(leaflets, azure, cache, model))

    def close(self) -> None:
        """Close every connection."""
        for part in (self.embedder, self.azure, self.cache, self.database):
            part.close()
