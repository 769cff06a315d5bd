"""Settings come from the environment, and secrets stay out of sight."""

import pytest
from pydantic import ValidationError

from app.settings import Settings


def test_every_setting_has_a_default_or_may_be_left_out() -> None:
    assert Settings().embedding_backend == "auto"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "9")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "s3cret")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "")
    settings = Settings()
    assert settings.database_pool_size == 9
    assert settings.azure_openai_endpoint is None
    assert "s3cret" not in repr(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://bot:s3cret@[host/x"),
        ("DATABASE_URL", "s3cret"),
        ("REDIS_URL", "http://:s3cret@host"),
        ("AZURE_OPENAI_ENDPOINT", "s3cret"),
        ("DATABASE_POOL_SIZE", "s3cret"),
    ],
)
def test_a_bad_value_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert name.lower() in str(caught.value)
    assert "s3cret" not in str(caught.value)
