"""Uses the client that was generated into the folder `made`; run by test_api_tools.py, which reads what is printed."""

import datetime
import sys
import uuid

from made import AuthenticatedClient
from made.api.alerts import post_acknowledge
from made.api.facts import get_invoices, post_invoices
from made.api.slos import get_dashboard
from made.models import Acknowledging, Invoice

address, token, alert = sys.argv[1:]
now = datetime.datetime.now(datetime.UTC)
with AuthenticatedClient(base_url=address, token=token) as client:
    told = Invoice(invoice_id="generated", vendor="Acme", amount=12.5, uploaded_at=now, labels=None)
    stored = post_invoices.sync(client=client, body=told)
    found = get_invoices.sync(client=client, invoice_id="generated")
    assert stored.data.created == 1
    assert (found.data.invoices[0].vendor, found.data.invoices[0].amount) == ("Acme", 12.5)
    print(f"invoices:{len(found.data.invoices)}")  # noqa: T201
    print(f"slos:{len(get_dashboard.sync(client=client).data.slos)}")  # noqa: T201
    done = post_acknowledge.sync(uuid.UUID(alert), client=client, body=Acknowledging(notes="by a program"))
    print(f"alert:{done.data.alert.state}")  # noqa: T201
    refused = post_invoices.sync_detailed(client=client, body=Invoice(invoice_id=""))
    print(f"refused:{refused.status_code.value}")  # noqa: T201
