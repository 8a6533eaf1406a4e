"""Become another program whose life is tied to that of its starter, and that is neither root nor nameless.

    python -I -S child.py PARENT SIGNAL FOLDERS COMMAND...

PARENT is the pid of the starter: when it dies, whatever the way, Linux sends SIGNAL to the command (elsewhere a starter
that is killed leaves it behind). FOLDERS is "-" to stay who one is; else the command runs as nobody where this user is
root or has no name, and FOLDERS (separated by ":") are those it must be able to write.

A program of its own, standard library only and 15 ms short: code between fork and exec in a process that has threads
may hang.
"""

import ctypes
import os
import pwd
import sys

NOBODY = 65534
CLONE_NEWUSER = 0x10000000  # linux/sched.h
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def acceptable() -> bool:
    """PostgreSQL refuses uid 0, and a uid that has no name (as containers give them)."""
    try:
        return os.getuid() != 0 and bool(pwd.getpwuid(os.getuid()))
    except KeyError:
        return False


def become_nobody(libc: ctypes.CDLL, folders: list[str]) -> None:
    """In a user namespace of its own a process is nobody to itself and still the same to its files: no account is made,
    no file changes hands. Where namespaces are refused, root has to become nobody for real."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER) == 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {uid} 1"), ("gid_map", f"{NOBODY} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    elif uid == 0:
        for folder in folders:
            os.chown(folder, NOBODY, NOBODY)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def main(parent: str, signal: str, folders: str, *command: str) -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if folders != "-" and not acceptable():
            become_nobody(libc, folders.split(":"))
        libc.prctl(PR_SET_PDEATHSIG, int(signal))  # last: a change of user forgets it
        if os.getppid() != int(parent):
            sys.exit("the starter is gone already")
    try:
        os.execvp(command[0], command)  # noqa: S606 - this is what the program is for
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror} (user {os.getuid()})")


if __name__ == "__main__":
    main(*sys.argv[1:])
