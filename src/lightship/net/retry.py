"""When to ask a server again, and after how long."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

_FIRST = 0.5  # seconds
_LONGEST = 30.0
_TRANSIENT = {408, 429, 500, 502, 503, 504}


class Backoff(Struct, frozen=True):
    """Exponential backoff with full jitter; the clock and chance come from the caller."""

    attempts: int
    sleep: Callable[[float], None]
    jitter: Callable[[], float]
    now: Callable[[], float]

    def wait(self, attempt: int, retry_after: str = "") -> bool:
        """Sleep after the failed `attempt` (from 1); False after the last, or if asked to wait too long."""
        asked = self._asked(retry_after)
        if attempt >= self.attempts or asked > _LONGEST:
            return False
        delay = min(_LONGEST, _FIRST * 2 ** (attempt - 1)) * (0.5 + self.jitter() / 2)
        self.sleep(max(asked, delay))
        return True

    def _asked(self, retry_after: str) -> float:
        """Seconds that a `Retry-After` header asks for: a number or a date (RFC 9110, section 10.2.3)."""
        if not retry_after:
            return 0.0
        if retry_after.isdecimal():
            return float(retry_after)
        from email.utils import parsedate_to_datetime

        try:
            return max(0.0, parsedate_to_datetime(retry_after).timestamp() - self.now())
        except ValueError:
            return 0.0


def is_transient(status: int) -> bool:
    """Whether the same request may succeed a moment later."""
    return status in _TRANSIENT
