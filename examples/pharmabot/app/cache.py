"""Answers kept in Redis. A cache that is down costs time and money, never a request."""

import redis
import structlog

from app.errors import UnavailableError

_NAME = "redis"
_PREFIX = "pharmabot:answer:"
_log = structlog.stdlib.get_logger(__name__)


class AnswerCache:
    """Maps the digest of a prompt to the answer it got."""

    def __init__(self, url: str, timeout: float, ttl: int) -> None:
        self._ttl = ttl
        self._redis = redis.Redis.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout, decode_responses=True
        )

    def get(self, key: str) -> str | None:
        """Return the answer, or None when there is none or Redis does not say."""
        try:
            answer = self._redis.get(_PREFIX + key)
        except redis.RedisError as error:
            _log.warning("cache_unavailable", operation="get", detail=str(error))
            return None
        return None if answer is None else str(answer)

    def put(self, key: str, answer: str) -> None:
        """Keep the answer for its time to live, if Redis takes it."""
        try:
            self._redis.set(_PREFIX + key, answer, ex=self._ttl)
        except redis.RedisError as error:
            _log.warning("cache_unavailable", operation="set", detail=str(error))

    def check(self) -> None:
        """Raise `UnavailableError` unless Redis answers."""
        try:
            self._redis.ping()
        except redis.RedisError as error:
            raise UnavailableError(_NAME, "cannot be reached", str(error)) from error

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()  # type: ignore[no-untyped-call]  # redis left this one without types
