"""Whether a variant's PyTorch is used at all, and what another variant would save."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.digest import of_value
from lightship.plan.model import Plan
from lightship.plan.planner import Selection
from lightship.project.requirements import normalised
from lightship.project.usage import Usage
from lightship.wheels.model import LockedWheel

TORCH = "torch"
_CUDA_NAMES = ("nvidia-", "cuda-", "triton")
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")  # deeper ones belong to vendored distributions
RULES = 1
"""Part of every key: raised when other facts are read from a wheel."""


class Facts(msgspec.Struct, frozen=True):
    """What a wheel says of itself: the modules it brings, and the distributions it requires."""

    modules: tuple[str, ...]
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Distributions:
    """The distributions of a lock, by normalised name."""

    facts: Mapping[str, Facts]

    def path_to(self, target: str, module: str) -> tuple[str, ...]:
        """Find the shortest chain of requirements from the distribution that brings `module` to `target`."""
        start = next((name for name, facts in self.facts.items() if module in facts.modules), "")
        paths: list[tuple[str, ...]] = [(start,)] if start else []
        seen = {start}
        while paths:
            path = paths.pop(0)
            if path[-1] == target:
                return path
            for name in self.facts[path[-1]].requires:
                if name in self.facts and name not in seen:
                    seen.add(name)
                    paths.append((*path, name))
        return ()


def torch_notes(plan: Plan, usage: Usage, others: Mapping[str, Selection], home: Home) -> tuple[str, ...]:
    """Say who uses PyTorch and CUDA in a plan, and what other variants, by name, would save.

    Silent while wheels are not fetched: what they require stands in them.
    """
    wheels = plan.wheels
    if not any(wheel.name == TORCH for wheel in wheels) or not _fetched(wheels, home):
        return ()
    distributions = Distributions({wheel.name: _facts(wheel, home) for wheel in wheels})
    users = list(_users(usage, distributions))
    return (*_torch(users, wheels), *_cuda(usage, wheels), *_savings(plan, others))


def _torch(users: list[str], wheels: tuple[LockedWheel, ...]) -> Iterator[str]:
    if users:
        more = f", and {len(users) - 1} more do" if len(users) > 1 else ""
        yield f"PyTorch is used: {users[0]}{more}"
    else:
        size = sum(wheel.size for wheel in wheels if wheel.name == TORCH or _is_cuda(wheel))
        yield (
            "PyTorch is shipped, and nothing in the code imports it or what requires it: "
            f"a variant without it would save {size / 1e6:,.0f} MB of wheels"
        )


def _users(usage: Usage, distributions: Distributions) -> Iterator[str]:
    for sign in usage.imports:
        path = distributions.path_to(TORCH, sign.what)
        if path:
            chain = "".join(f", which requires {name}" for name in path[1:])
            yield f"{sign.where} imports {sign.what}{chain}"


def _cuda(usage: Usage, wheels: tuple[LockedWheel, ...]) -> Iterator[str]:
    libraries = [wheel for wheel in wheels if _is_cuda(wheel)]
    if not libraries:
        return
    size = sum(wheel.size for wheel in libraries)
    if usage.cuda:
        sign = usage.cuda[0]
        yield f"CUDA is shipped ({size / 1e6:,.0f} MB of wheels), and used: {sign.what} at {sign.where}"
    else:
        yield (
            f"CUDA is shipped ({size / 1e6:,.0f} MB of wheels), and nothing in the code asks for it: "
            'no "cuda", no .cuda(); a variant with torch = "cpu" would save that'
        )


def _savings(plan: Plan, others: Mapping[str, Selection]) -> Iterator[str]:
    own = sum(wheel.size for wheel in plan.wheels)
    for name, selection in others.items():
        saved = own - sum(wheel.size for wheel in selection.wheels)
        if saved > 0:
            yield f"variant {name} has {saved / 1e6:,.0f} MB less of wheels"


def _is_cuda(wheel: LockedWheel) -> bool:
    return wheel.name.startswith(_CUDA_NAMES)


def _fetched(wheels: tuple[LockedWheel, ...], home: Home) -> bool:
    return all((home.archives / "sha256" / wheel.sha256).is_file() for wheel in wheels)


def _facts(wheel: LockedWheel, home: Home) -> Facts:
    memo = Memo(home.cache / "facts")
    return memo.get_or_make(of_value([RULES, wheel.sha256]), Facts, lambda: _read_facts(wheel, home))


def _read_facts(wheel: LockedWheel, home: Home) -> Facts:
    from email.parser import BytesHeaderParser

    from lightship.wheels.archive import open_wheel

    with (home.archives / "sha256" / wheel.sha256).open("rb") as stream:
        archive = open_wheel(stream, name=wheel.filename)
        info = next(path for path in archive.members if _METADATA.fullmatch(path))
        headers = BytesHeaderParser().parsebytes(archive.read(info))
        modules = {
            path.split("/")[0].split(".")[0] for path in archive.members if path.endswith((".py", ".so"))
        }
    requires = (text for text in headers.get_all("Requires-Dist", []) if "extra ==" not in text)
    return Facts(tuple(sorted(modules)), tuple(sorted({_name(text) for text in requires})))


def _name(requirement: str) -> str:
    from packaging.requirements import Requirement

    return normalised(Requirement(requirement).name)
