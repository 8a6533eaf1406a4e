"""Run the portal's commands as a user does: another process, a data directory, an environment, nothing else."""

import os
import select
import subprocess
import sys
from pathlib import Path

from slo_portal.processes import Program

ROOT = Path(__file__).resolve().parents[2]


def environment(data: Path, **more: str) -> dict[str, str]:
    """This process's, without what pytest and its settings put there."""
    ours = {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY", "PYTEST_CURRENT_TEST"}
    clean = {key: value for key, value in os.environ.items() if key not in ours}
    return {**clean, "DATA_DIR": str(data), "ENV_FILE": os.devnull, **more}


def manage(data: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, str(ROOT / "manage.py"), *arguments], data, **more)


def manage_as_ordinary_user(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As someone who is not root, also where the tests are run by root."""
    return run(as_ordinary_user(data, sys.executable, str(ROOT / "manage.py"), *arguments), data)


def as_ordinary_user(data: Path, *command: str) -> list[str]:
    return Program("ordinary", list(command), folders=[data]).wrapped


def run(command: list[str], data: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment(data, **more)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def ended(pid: int, seconds: float = 10) -> bool:
    """Wait for the end of a process that is not ours."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)
