"""Making the application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI

from app import failures
from app.middleware import BodyLimit, RequestContext
from app.routes import router
from app.services import Services
from app.settings import Settings

_log = structlog.stdlib.get_logger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """Return an application that keeps its parts in `app.state.services`."""
    app = FastAPI(title="Pharmabot", lifespan=_lifespan)
    app.state.services = Services.create(settings)
    app.include_router(router)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(RequestContext)
    failures.install(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.embedder.start()
    _log.info("started", embeddings=services.embedder.model, azure_configured=services.azure.configured)
    yield
    services.close()
    _log.info("stopped")
