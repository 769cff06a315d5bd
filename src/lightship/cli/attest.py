"""What `build` and `push` share: documents that go with an image, and signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from lightship.build.machine import Machine
from lightship.cli.options import Output
from lightship.errors import UsageError
from lightship.project.config import ATTESTATIONS

if TYPE_CHECKING:
    from lightship.attest.artifacts import Artifact, Wanted
    from lightship.attest.signing import Signer
    from lightship.oci.index import Stored
    from lightship.registry.wire import Wire

Function = TypeVar("Function", bound=Callable[..., Any])
NONE = "none"
_STANDARD_ERROR = 2

_attest = click.option(
    "--attest",
    multiple=True,
    type=click.Choice([*ATTESTATIONS, NONE]),
    help="What goes with the image, as an artifact that refers to it (repeatable): its provenance, which "
    "registries get by default, a bill of materials, or a scan of its layers, which `verify` checks in their "
    "place; none leaves all out.",
)
_sign = click.option(
    "--sign", is_flag=True, help="Sign what is pushed, with cosign or sigstore, whichever is installed."
)
_key = click.option(
    "--key",
    default="",
    metavar="KEY",
    help="With --sign: cosign's key, a file or a KMS; $COSIGN_KEY by default.",
)


def attest_options(function: Function) -> Function:
    """Add the options; the command gets them as `attest`, `sign` and `key`."""
    return _attest(_sign(_key(function)))


class Attesting(Struct, frozen=True):
    """What is wanted with an image: `kinds` is None where nobody said anything."""

    kinds: tuple[str, ...] | None
    signer: Signer | None

    def beside_layout(self) -> bool:
        """Tell whether documents go with a layout: only where they are asked for.

        `skopeo` and others read a layout without a name only as long as one manifest is listed in it.
        """
        return bool(self.kinds)

    @property
    def reads_layers(self) -> bool:
        """Whether documents are made from what is in the layers."""
        return any(kind != "provenance" for kind in self.kinds or ())

    @property
    def wanted(self) -> Wanted:
        """What registries get: BuildKit's default, provenance where it is known."""
        from lightship.attest.artifacts import PROVENANCE, Wanted

        return Wanted((PROVENANCE,), asked=False) if self.kinds is None else Wanted(self.kinds, asked=True)

    def push(self, stored: Stored, name: str, machine: Machine, wire: Wire) -> dict[str, Any]:
        """Push documents and signatures after an image; gives values for JSON."""
        from lightship.attest.deliver import push_artifacts, sign_pushed

        artifacts = push_artifacts(stored, name, self.wanted, machine, wire)
        signer = self.signer and sign_pushed(stored, name, artifacts, self.signer, machine, wire)
        return {"attestations": _facts(artifacts), **({"signed": signer} if signer else {})}

    def write(self, stored: Stored, layout: Path, machine: Machine) -> dict[str, Any]:
        """Put documents into a layout that the image was written to; gives values for JSON."""
        from lightship.attest.artifacts import make_artifacts
        from lightship.attest.deliver import add_to_layout

        artifacts = make_artifacts(stored, self.wanted, machine.home, machine.reporter)
        add_to_layout(artifacts, machine.home.images, layout)
        return {"attestations": _facts(artifacts)}


def read_options(
    attest: Sequence[str],
    configured: tuple[str, ...] | None,
    *,
    sign: bool,
    key: str,
    machine: Machine,
    output: Output,
) -> Attesting:
    """Read the options, and find who signs before anything is built or pushed.

    Raises:
        UsageError: if they contradict each other, or nothing here can sign.

    """
    if NONE in attest and len(set(attest)) > 1:
        raise UsageError("--attest none leaves all out", hint="leave out either it or the others")
    if key and not sign:
        raise UsageError("--key is about signing", hint="add --sign")
    asked = tuple(dict.fromkeys(kind for kind in attest if kind != NONE))
    return Attesting(asked if attest else configured, _signer(key, machine, output) if sign else None)


def said(facts: dict[str, Any]) -> str:
    """Say in a line what went with an image; empty where nothing did."""
    kinds = dict.fromkeys(each["kind"] for each in facts["attestations"])
    images = len({each["image"] for each in facts["attestations"]})
    each = " for each image" if images > 1 else ""
    parts = [f"with {', '.join(kinds)}{each}"] if kinds else []
    parts += [f"signed by {facts['signed']}"] if "signed" in facts else []
    return f"  {'; '.join(parts)}" if parts else ""


def _signer(key: str, machine: Machine, output: Output) -> Signer:
    from lightship.attest.signing import find_signer
    from lightship.build.remote import plain_hosts
    from lightship.engines.programs import MachinePrograms

    programs = MachinePrograms(machine.environ, _STANDARD_ERROR if output.level else None)
    return find_signer(programs, machine.environ, key, plain=plain_hosts(machine))


def _facts(artifacts: Sequence[Artifact]) -> list[dict[str, str]]:
    return [
        {"kind": each.kind, "image": each.subject, "digest": each.descriptor.digest} for each in artifacts
    ]
