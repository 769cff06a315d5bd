"""Azure OpenAI: one client for answers and embeddings, its errors in the service's own terms."""

from collections.abc import Iterator
from contextlib import contextmanager

import openai

from app.errors import RefusedError, UnavailableError
from app.settings import Settings

NAME = "azure-openai"
_CHECK_TIMEOUT = 3.0

# First match wins: openai's exceptions derive from each other.
_REASONS: tuple[tuple[type[openai.OpenAIError], str], ...] = (
    (openai.APITimeoutError, "did not answer in time"),
    (openai.APIConnectionError, "cannot be reached"),
    (openai.AuthenticationError, "does not accept the service's credentials"),
    (openai.PermissionDeniedError, "does not accept the service's credentials"),
    (openai.NotFoundError, "has no such deployment"),
    (openai.RateLimitError, "is at its rate limit"),
    (openai.OpenAIError, "failed"),
)


class Azure:
    """The connection to an Azure OpenAI resource, which may not be configured."""

    def __init__(self, settings: Settings) -> None:
        self._client = _client(settings)

    @property
    def configured(self) -> bool:
        """Whether there is an endpoint and a key."""
        return self._client is not None

    @contextmanager
    def client(self) -> Iterator[openai.AzureOpenAI]:
        """Lend the client; what goes wrong with it is raised as one of the service's errors."""
        if self._client is None:
            raise UnavailableError(NAME, "is not configured")
        try:
            yield self._client
        except openai.OpenAIError as error:
            raise _translated(error) from error

    def check(self) -> None:
        """Raise `UnavailableError` unless the endpoint answers and takes the key."""
        with self.client() as client:
            client.with_options(timeout=_CHECK_TIMEOUT, max_retries=0).models.list()

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()


def _client(settings: Settings) -> openai.AzureOpenAI | None:
    if settings.azure_openai_endpoint is None or settings.azure_openai_api_key is None:
        return None
    return openai.AzureOpenAI(
        azure_endpoint=str(settings.azure_openai_endpoint).rstrip("/"),
        api_key=settings.azure_openai_api_key.get_secret_value(),
        api_version=settings.azure_openai_api_version,
        timeout=settings.azure_openai_timeout,
        max_retries=settings.azure_openai_max_retries,
    )


def _translated(error: openai.OpenAIError) -> Exception:
    code = getattr(error, "code", None)
    if isinstance(error, openai.BadRequestError) and code == "content_filter":
        return RefusedError("the content filter of Azure OpenAI refused the text")
    reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
    status = getattr(error, "status_code", None)
    # Not the message: it can quote what was sent.
    return UnavailableError(NAME, reason, f"{type(error).__name__}, status {status}, code {code}")
