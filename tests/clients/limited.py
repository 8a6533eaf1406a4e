"""A workflow on a disk that is full: no file may become larger than 3,000 bytes.

python limited.py URL SPOOL
"""

import logging
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

from slo_portal_client import Portal

logging.basicConfig()
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
url, spool = sys.argv[1:]
portal = Portal(url, "secret-token", source="tests", spool=spool, max_age=60.0)
assert all(portal.invoice(f"INV-{number}") for number in range(200))
assert portal.flush()
assert portal.counts.sent == 200
