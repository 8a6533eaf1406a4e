"""The sink as a process: prints its ports as one line of JSON, and ends with its standard input or a signal.

Scripts come by HTTP: POST /_script {"target": "/slack", "steps": ["500"], "always": "200", "protocol": "http"}.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.sink import Sink

parser = argparse.ArgumentParser(prog="python -m tests.sink", description=__doc__)
parser.add_argument("--ledger", type=Path, help="file of JSON lines, one for each request and mail")
parser.add_argument("--http-port", type=int, default=0)
parser.add_argument("--smtp-port", type=int, default=0)
arguments = parser.parse_args()
with Sink(arguments.ledger, arguments.http_port, arguments.smtp_port) as sink:
    sys.stdout.write(json.dumps({"http": sink.http.port, "smtp": sink.smtp.port}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
