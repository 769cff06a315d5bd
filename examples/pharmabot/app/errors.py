"""The two ways in which a request can fail through no fault of the code."""


class UnavailableError(Exception):
    """A dependency cannot do its part now; the client may try again (503)."""

    def __init__(self, dependency: str, reason: str, detail: str = "") -> None:
        super().__init__(f"{dependency} {reason}")
        self.dependency = dependency
        self.reason = reason
        self.detail = detail  # for the log only: it may name hosts and users

    def fields(self) -> dict[str, str]:
        """Return what the log says of it."""
        return {"dependency": self.dependency, "reason": self.reason, "detail": self.detail}


class RefusedError(Exception):
    """The request is well formed, and will be refused however often it is sent (422)."""
