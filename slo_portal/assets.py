"""Static files, collected only when one of them has changed."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

# the browsable pages of rest_framework are switched off; of Swagger UI two files are used
UNUSED = ["rest_framework", "oauth2-redirect.*", "swagger-ui-standalone-preset*", "favicon-32x32.png"]


def collect(stamp: Path) -> bool:
    """Fill STATIC_ROOT unless `stamp` says that it holds just these files. True when it had to."""
    state = fingerprint()
    if stamp.exists() and stamp.read_text() == state and Path(settings.STATIC_ROOT).is_dir():
        return False
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=UNUSED)
    stamp.write_text(state)
    return True


def fingerprint() -> str:
    """Of the names, sizes and times of all static files."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
