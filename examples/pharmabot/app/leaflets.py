"""Drug leaflets in PostgreSQL, and the search for the passages nearest in meaning to a question."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its classes in lower case
from psycopg2.extras import execute_values

from app import passages
from app.database import Database
from app.embedding import Embedder
from app.vectors import Vector

_UPSERT = """
INSERT INTO leaflets (drug, section, body) VALUES (%s, %s, %s)
ON CONFLICT (drug, section) DO UPDATE SET body = excluded.body, updated_at = now()
RETURNING id
"""
_INSERT = "INSERT INTO passages (leaflet_id, position, body, model, embedding) VALUES %s"
# The vectors have length one, so the dot product is the cosine. A deployment that was given another model
# under the same name is told by the number of dimensions.
_SEARCH = """
SELECT leaflet.drug, leaflet.section, passage.body,
       (SELECT sum(stored * asked)
          FROM unnest(passage.embedding::float8[], %(vector)s::float8[]) AS pair (stored, asked)) AS score
  FROM passages AS passage JOIN leaflets AS leaflet ON leaflet.id = passage.leaflet_id
 WHERE passage.model = %(model)s AND cardinality(passage.embedding) = cardinality(%(vector)s::float8[])
 ORDER BY score DESC, passage.leaflet_id, passage.position
 LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Stored:
    """What became of a leaflet."""

    id: int
    passages: int


@dataclass(frozen=True)
class Hit:
    """A passage that was found, and how near it is (a cosine)."""

    drug: str
    section: str
    passage: str
    score: float


class Leaflets:
    """The leaflets, searchable by meaning."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder

    def store(self, drug: str, section: str, text: str) -> Stored:
        """Store a section of a drug's leaflet, in place of the one stored before."""
        bodies = passages.split(text)
        vectors = self._embedder.embed(bodies)
        with self._database.transaction() as cursor:
            cursor.execute(_UPSERT, (drug, section, text))
            ((leaflet_id,),) = cursor.fetchall()
            cursor.execute("DELETE FROM passages WHERE leaflet_id = %s", (leaflet_id,))
            self._insert(cursor, leaflet_id, bodies, vectors)
        return Stored(leaflet_id, len(bodies))

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return the passages nearest to the query, best first, among those of the current model."""
        (vector,) = self._embedder.embed([query])
        with self._database.transaction() as cursor:
            cursor.execute(_SEARCH, {"vector": vector, "model": self._embedder.model, "limit": limit})
            return [Hit(*row) for row in cursor.fetchall()]

    def _insert(self, cursor: Cursor, leaflet_id: int, bodies: list[str], vectors: Sequence[Vector]) -> None:
        model = self._embedder.model
        rows = zip(bodies, vectors, strict=True)
        values = [(leaflet_id, position, body, model, vector) for position, (body, vector) in enumerate(rows)]
        execute_values(cursor, _INSERT, values)
