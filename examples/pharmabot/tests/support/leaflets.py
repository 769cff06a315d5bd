"""Sample sections of leaflets, and how to store them through the API."""

from httpx import Client

IBUPROFEN = {
    "drug": "Ibuprofen 400 mg",
    "section": "Dose",
    "text": "Adults swallow one tablet of ibuprofen with food, up to three times a day, six hours apart.",
}
METFORMIN = {
    "drug": "Metformin 500 mg",
    "section": "Before use",
    "text": "Metformin lowers the sugar in the blood. Do not take it when the kidneys work badly.",
}
CETIRIZINE = {
    "drug": "Cetirizine 10 mg",
    "section": "Side effects",
    "text": "Cetirizine relieves hay fever. It may cause drowsiness and a dry mouth.",
}


def store(client: Client, *leaflets: dict[str, str]) -> None:
    """Post each of the leaflets."""
    for leaflet in leaflets:
        response = client.post("/documents", json=leaflet)
        assert response.status_code == 201, response.text
