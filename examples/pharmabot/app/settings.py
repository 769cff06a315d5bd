"""What the service reads from its environment."""

from pathlib import Path
from typing import Annotated, Literal

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn
from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _postgresql(url: SecretStr) -> SecretStr:
    try:
        parse_dsn(url.get_secret_value())
    except ProgrammingError:
        # libpq's own message quotes the string, password and all.
        message = "is not a PostgreSQL connection string"
        raise ValueError(message) from None
    return url


def _redis(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
        message = "must begin with redis://, rediss:// or unix://"
        raise ValueError(message)
    return url


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgresql)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]
Seconds = Annotated[float, Field(gt=0, le=600)]


class Settings(BaseSettings):
    """Each field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_body_bytes: int = Field(default=1_048_576, ge=1024)

    database_url: PostgresUrl = SecretStr("postgresql://pharmabot@localhost:5432/pharmabot")
    database_pool_size: int = Field(default=5, ge=1, le=100)
    database_timeout: Seconds = 5.0

    redis_url: RedisUrl = SecretStr("redis://localhost:6379/0")
    redis_timeout: Seconds = 1.0
    answer_ttl: int = Field(default=3600, ge=1)

    azure_openai_endpoint: AnyHttpUrl | None = None
    azure_openai_api_key: SecretStr | None = None
    azure_openai_api_version: str = "2024-02-01"
    azure_openai_chat_deployment: str = "gpt-4o"
    azure_openai_embedding_deployment: str = "text-embedding-3-small"
    azure_openai_timeout: Seconds = 30.0
    azure_openai_max_retries: int = Field(default=1, ge=0, le=10)
    answer_max_tokens: int = Field(default=512, ge=16, le=4096)

    embedding_backend: Literal["auto", "local", "onnx", "azure"] = "auto"
    embedding_device: str | None = None
    embedding_model_folder: Path = Path("models")
    embedding_timeout: Seconds = 60.0
