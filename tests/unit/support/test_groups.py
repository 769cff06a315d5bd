from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.support.groups import ByGroup, group_of, in_order

TESTS = (
    "tests/integration/wheels/test_lock_real.py::test_a",
    "tests/integration/start/test_start.py::test_b[odd::@name]",
    "tests/integration/new/test_new.py::test_c",
    "tests/integration/stages/test_onnx.py::test_d",
    "tests/integration/new/test_newer.py::test_e",
    "tests/integration/build/test_bad_wheels.py::test_f",
    "tests/integration/build/test_trim.py::test_g",
)


class Process:
    """A worker of pytest-xdist, as far as its scheduler knows it."""

    shutting_down = False

    def __init__(self) -> None:
        self.gateway = SimpleNamespace(id="one")
        self.sent: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def test_folders_that_cannot_run_at_once_are_one_group_and_what_is_not_named_is_its_folders() -> None:
    assert group_of(TESTS[1]) == group_of(TESTS[3])
    assert group_of(TESTS[2]) == group_of(TESTS[4]) == "new"
    assert group_of(TESTS[5]) != group_of(TESTS[6])
    assert group_of("tests/unit/test_elf.py::test_x") == "tests/unit/test_elf.py::test_x"


def test_the_longest_groups_come_first_and_keep_their_order() -> None:
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in TESTS]
    names = [item.nodeid.rpartition("_")[2][0] for item in in_order(items)]
    assert names == ["g", "b", "d", "f", "a", "c", "e"]


def test_a_process_gets_a_group_whole() -> None:
    log = SimpleNamespace(loadscopesched=lambda *_: None)
    option = SimpleNamespace(loadscopereorder=False)
    scheduler = ByGroup(SimpleNamespace(getvalue=lambda _: ["popen"] * 2, option=option), log)
    processes = [Process(), Process()]
    names = [f"tests/integration/start/test_start.py::test_{number}" for number in range(4)]
    names += [f"tests/integration/build/test_trim.py::test_{number}" for number in range(4)]
    for process in processes:
        scheduler.add_node(process)
        scheduler.add_node_collection(process, names)
    scheduler.schedule()
    assert [process.sent for process in processes] == [[0, 1, 2, 3], [4, 5, 6, 7]]
