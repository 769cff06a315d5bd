from __future__ import annotations

import pytest
from msgspec.structs import replace

from lightship.errors import UsageError
from lightship.plan.base import GLIBC, MUSL, BaseFacts, Interpreter, SizedFile
from lightship.plan.basecheck import MOST_LAYERS, check_count, check_places, choose_python
from lightship.platform import Platform

AMD64 = Platform("amd64")
OWN = Interpreter("/usr/local/bin/python3.11", "3.11.9")
GOOD = BaseFacts(pythons=(OWN, Interpreter("/usr/bin/python3.13", "3.13.5")), libc=GLIBC, glibc=(2, 36))


def refusal(facts: BaseFacts, python: str = "3.11") -> UsageError:
    with pytest.raises(UsageError) as error:
        choose_python(facts, python, AMD64, where="oci:base")
    assert error.value.where == "oci:base"
    return error.value


def test_the_interpreter_of_the_wanted_python_is_chosen() -> None:
    assert choose_python(GOOD, "3.11", AMD64, where="") == OWN
    assert choose_python(GOOD, "3.13", AMD64, where="").path == "/usr/bin/python3.13"


def test_another_python_is_refused_with_what_there_is() -> None:
    error = refusal(replace(GOOD, pythons=(Interpreter("/usr/bin/python3.13", "3.13.5"),)))
    assert error.message == "the base has Python 3.13.5 (/usr/bin/python3.13), and CPython 3.11 is wanted"
    assert error.hint == 'set python = "3.13", or base = "debian:bookworm"'


def test_a_python_that_no_suite_has_is_not_looked_for_in_one() -> None:
    error = refusal(replace(GOOD, pythons=(OWN,)), "3.12")
    assert error.hint == 'set python = "3.11"'


def test_pypy_is_no_python_for_wheels_of_cpython() -> None:
    error = refusal(replace(GOOD, pythons=(Interpreter("/usr/bin/python3.11", "3.11.9", is_cpython=False),)))
    assert error.message == "the base has PyPy 3.11.9 (/usr/bin/python3.11), and CPython 3.11 is wanted"
    assert error.hint == 'base = "debian:bookworm"'


def test_musl_is_refused() -> None:
    error = refusal(BaseFacts(pythons=(OWN,), libc=MUSL))
    assert error.message == "the base's C library is musl, and wheels for glibc do not run on it"
    assert error.hint.startswith("use an image of Debian or Ubuntu instead of Alpine's")


def test_a_base_without_python_is_refused() -> None:
    error = refusal(BaseFacts(libc=GLIBC, glibc=(2, 35)))
    assert error.message == "the base has no Python for linux/amd64"
    assert error.hint == 'use an image that has Python 3.11, or set base = "debian:bookworm"'


def test_a_cuda_base_without_python_is_refused_and_not_needed() -> None:
    error = refusal(BaseFacts(libc=GLIBC, cuda=(SizedFile("libcudart.so.12", 9),)))
    assert error.hint.endswith("; the wheels bring CUDA's libraries themselves, and the host its driver")


def test_an_unknown_c_library_is_refused() -> None:
    assert "no C library that is known" in refusal(BaseFacts(pythons=(OWN,))).message


def places(facts: BaseFacts, *folders: str) -> str:
    with pytest.raises(UsageError) as error:
        check_places(facts, folders, prefix="opt/venv", where="oci:base")
    return error.value.message


def test_a_link_in_the_way_is_refused() -> None:
    linked = replace(GOOD, links={"bin": "usr/bin", "srv": "data/srv"})
    check_places(linked, ("app", "opt/venv"), prefix="opt/venv", where="")
    assert "the base's /srv is a link to /data/srv" in places(linked, "app", "srv/app/x")
    assert "the base's /srv is a link" in places(linked, "srv")


def test_another_virtual_environment_is_refused() -> None:
    assert "something at /opt/venv" in places(replace(GOOD, has_environment=True))


def test_too_many_layers_are_refused() -> None:
    check_count(MOST_LAYERS, where="")
    with pytest.raises(UsageError, match="128 layers, and container runtimes mount 127"):
        check_count(MOST_LAYERS + 1, where="")
