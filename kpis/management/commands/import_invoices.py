from kpis.management.importing import ImportCommand
from kpis.messages import INVOICE


class Command(ImportCommand):
    help = "Import invoices from files (docs/how-to/import-event-logs.md); the same file again changes nothing."
    kind = INVOICE
