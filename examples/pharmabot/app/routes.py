"""The endpoints. They block, so they are plain functions, which FastAPI runs in its thread pool."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from app import schemas
from app.readiness import Readiness, examine
from app.services import Services

router = APIRouter()


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Parts = Annotated[Services, Depends(_services)]


@router.get("/health")
async def health() -> schemas.Health:
    """Say that the process is alive; ask nobody else."""
    return schemas.Health()


@router.get("/ready")
def ready(services: Parts, response: Response) -> Readiness:
    """Say whether the dependencies answer."""
    readiness = examine(services)
    if readiness.status == "unavailable":
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return readiness


@router.post("/embed")
def embed(body: schemas.EmbedRequest, services: Parts) -> schemas.EmbedResponse:
    """Turn texts into vectors."""
    vectors = services.embedder.embed(body.texts)
    return schemas.EmbedResponse(
        model=services.embedder.model, dimensions=len(vectors[0]), embeddings=vectors
    )


@router.post("/documents", status_code=status.HTTP_201_CREATED)
def documents(body: schemas.DocumentRequest, services: Parts) -> schemas.DocumentResponse:
    """Store a section of a leaflet."""
    stored = services.leaflets.store(body.drug, body.section, body.text)
    return schemas.DocumentResponse(id=stored.id, passages=stored.passages)


@router.post("/search")
def search(body: schemas.SearchRequest, services: Parts) -> schemas.SearchResponse:
    """Find the passages nearest in meaning."""
    hits = services.leaflets.search(body.query, body.limit)
    return schemas.SearchResponse(
        model=services.embedder.model, hits=[schemas.Source.model_validate(hit) for hit in hits]
    )


@router.post("/ask")
def ask(body: schemas.AskRequest, services: Parts) -> schemas.AskResponse:
    """Answer a question from the leaflets."""
    answer = services.answers.ask(body.question, body.limit)
    sources = [schemas.Source.model_validate(hit) for hit in answer.sources]
    return schemas.AskResponse(answer=answer.text, cached=answer.cached, sources=sources)
