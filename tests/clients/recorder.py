"""A workflow that is going to be killed: records as fast as it can, and says of each message when it was taken.

python recorder.py URL SPOOL NAME
"""

import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

from slo_portal_client import Portal

url, spool, name = sys.argv[1:]
portal = Portal(url, "secret-token", source="tests", spool=spool, max_age=0.01, batch_size=50, timeout=2.0)
for number in count():
    assert portal.invoice(f"{name}-{number}", page_count=number, vendor="Acme" * 20)
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()
