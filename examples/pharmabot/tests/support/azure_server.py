"""A local server that speaks the part of Azure OpenAI's API that the service uses."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "azure-test-key"
DIMENSIONS = 256
_ROUTE = re.compile(r"/openai/(?:deployments/([^/]+)/)?(models|embeddings|chat/completions)")

Json = dict[str, Any]


@dataclass
class Script:
    """What the server does, and what it was asked to do."""

    failure: tuple[int, Json] | None = None
    hang: bool = False
    answer: str | None = None
    dimensions: int = DIMENSIONS
    prompts: list[Json] = field(default_factory=list)
    embedded: list[list[str]] = field(default_factory=list)


class AzureServer:
    """The server; tests change its `script`."""

    def __init__(self) -> None:
        self.script = Script()
        self.released = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Return its endpoint."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        """Start to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of hanging requests and end."""
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reset(self) -> None:
        """Forget what the test before this one asked for."""
        self.released.set()
        self.released = Event()
        self.script = Script()


def embedding(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Count the words, each in the place that its hash gives: texts that share words are near."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % dimensions] += 3.0
    return vector


def _models(_: Script, __: Json) -> Json:
    return {"object": "list", "data": []}


def _embeddings(script: Script, body: Json) -> Json:
    script.embedded.append(body["input"])
    items = [
        {"object": "embedding", "index": index, "embedding": embedding(text, script.dimensions)}
        for index, text in enumerate(body["input"])
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    # Clients have to go by the index.
    return {"object": "list", "model": "fake", "data": items[::-1], "usage": usage}


def _completion(script: Script, body: Json) -> Json:
    script.prompts.append(body)
    first = body["messages"][-1]["content"].splitlines()[1]
    content = f"{first} [1]" if script.answer is None else script.answer
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "fake", "choices": [choice]}


_ANSWERS: dict[str, Callable[[Script, Json], Json]] = {
    "models": _models,
    "embeddings": _embeddings,
    "chat/completions": _completion,
}


def _handler(azure: AzureServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(*self._respond({}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._reply(*self._respond(json.loads(body)))

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

        def _respond(self, body: Json) -> tuple[int, Json]:
            address = urlsplit(self.path)
            route = _ROUTE.fullmatch(address.path)
            if route is None or "api-version" not in parse_qs(address.query):
                return 404, _error("404", "Resource not found")
            if self.headers["api-key"] != KEY:
                return 401, _error("401", "Access denied due to invalid subscription key")
            if azure.script.hang:
                azure.released.wait(30)
            return azure.script.failure or (200, _ANSWERS[route[2]](azure.script, body))

        def _reply(self, status: int, body: Json) -> None:
            content = json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a client that had given up

    return Handler


def _error(code: str, message: str) -> Json:
    return {"error": {"code": code, "message": message}}
