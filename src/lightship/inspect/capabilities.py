"""Capabilities of files, as the kernel stores them (capabilities(7); linux/capability.h, `vfs_cap_data`)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_EFFECTIVE = 0x000001
_REVISIONS: Mapping[int, tuple[str, int]] = {0x01: ("<2I", 1), 0x02: ("<4I", 2), 0x03: ("<4I", 2)}
"""What follows the first word: pairs of permitted and inheritable; version 3 has a user's number behind."""
_NAMES = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
]


def describe(value: bytes) -> str:
    """Write an attribute in the words of getcap(8), such as `cap_net_raw=ep`; empty where it gives nothing.

    What cannot be read is told as that: the kernel refuses to run such a file.
    """
    if len(value) < 4:
        return "a damaged attribute"
    (magic,) = struct.unpack_from("<I", value)
    if magic >> 24 not in _REVISIONS:
        return f"an attribute of version {magic >> 24}"
    form, pairs = _REVISIONS[magic >> 24]
    if len(value) < 4 + struct.calcsize(form):
        return "a damaged attribute"
    words = struct.unpack_from(form, value, 4)
    permitted, inheritable = (sum(words[half + 2 * n] << 32 * n for n in range(pairs)) for half in (0, 1))
    groups: dict[str, list[str]] = {}
    for number in range(64):
        bit = 1 << number
        flags = "i" * bool(inheritable & bit) + "p" * bool(permitted & bit)
        if flags:
            flags = "e" * bool(magic & _EFFECTIVE) + flags
            groups.setdefault(flags, []).append(_name(number))
    return " ".join(f"{','.join(names)}={flags}" for flags, names in groups.items())


def _name(number: int) -> str:
    return f"cap_{_NAMES[number]}" if number < len(_NAMES) else f"capability {number}"
