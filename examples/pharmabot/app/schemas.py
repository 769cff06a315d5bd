"""What clients send and get."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _without_nul(text: str) -> str:
    if "\0" in text:
        message = "must not contain NUL characters"  # PostgreSQL cannot store them
        raise ValueError(message)
    return text


def _text(max_length: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=max_length)


Name = Annotated[str, _text(200), AfterValidator(_without_nul)]
Query = Annotated[str, _text(2_000), AfterValidator(_without_nul)]
LeafletText = Annotated[str, _text(100_000), AfterValidator(_without_nul)]
Limit = Annotated[int, Field(ge=1, le=20)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EmbedRequest(_Request):
    """Texts to embed."""

    texts: Annotated[list[Query], Field(min_length=1, max_length=64)]


class DocumentRequest(_Request):
    """A section of a drug's leaflet."""

    drug: Name
    section: Name = "Leaflet"
    text: LeafletText


class SearchRequest(_Request):
    """What to look for."""

    query: Query
    limit: Limit = 5


class AskRequest(_Request):
    """A question, and how many passages to answer it from."""

    question: Query
    limit: Limit = 4


class Health(BaseModel):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class EmbedResponse(BaseModel):
    """A vector of length one for each text."""

    model: str
    dimensions: int
    embeddings: list[list[float]]


class DocumentResponse(BaseModel):
    """The stored leaflet, and how many passages it was cut into."""

    id: int
    passages: int


class Source(BaseModel):
    """A passage and its cosine to the query."""

    model_config = ConfigDict(from_attributes=True)

    drug: str
    section: str
    passage: str
    score: float


class SearchResponse(BaseModel):
    """The nearest passages, best first."""

    model: str
    hits: list[Source]


class AskResponse(BaseModel):
    """The answer, and the passages that its citations number."""

    answer: str
    cached: bool
    sources: list[Source]
