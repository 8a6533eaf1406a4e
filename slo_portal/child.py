"""Become another program whose life is tied to that of its starter, and that is not root.

    python -I -S child.py PARENT SIGNAL FOLDERS COMMAND...

PARENT is the pid of the starter: when it dies, whatever the way, Linux sends SIGNAL to the command (elsewhere a starter
that is killed leaves it behind). FOLDERS is "-" to stay who one is; else, as root, the command runs as nobody, and
FOLDERS (separated by ":") are those it must be able to write.

A program of its own, standard library only and 15 ms short: code between fork and exec in a process that has threads
may hang.
"""

import ctypes
import os
import sys

NOBODY = 65534
CLONE_NEWUSER = 0x10000000  # linux/sched.h
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def hide_root(libc: ctypes.CDLL, folders: list[str]) -> None:
    """PostgreSQL refuses uid 0. In a user namespace of its own a process is nobody to itself and still root to its
    files: no account is made, no file changes hands. Where namespaces are refused, it has to become nobody for real."""
    gid = os.getgid()
    if libc.unshare(CLONE_NEWUSER) == 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} 0 1"), ("gid_map", f"{NOBODY} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        return
    for folder in folders:
        os.chown(folder, NOBODY, NOBODY)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def main(parent: str, signal: str, folders: str, *command: str) -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if folders != "-" and os.getuid() == 0:
            hide_root(libc, folders.split(":"))
        libc.prctl(PR_SET_PDEATHSIG, int(signal))  # last: a change of user forgets it
        if os.getppid() != int(parent):
            sys.exit("the starter is gone already")
    try:
        os.execvp(command[0], command)  # noqa: S606 - this is what the program is for
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror} (user {os.getuid()})")


if __name__ == "__main__":
    main(*sys.argv[1:])
