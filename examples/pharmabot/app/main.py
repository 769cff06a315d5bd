"""The application that servers import: `app.main:app`."""

from logging.config import dictConfig

from app.factory import create_app
from app.logs import configure_structlog, logging_config
from app.settings import Settings

settings = Settings()
dictConfig(logging_config(settings.log_level))
configure_structlog()
app = create_app(settings)
