from kpis.management.importing import ImportCommand
from kpis.messages import EXCEPTION


class Command(ImportCommand):
    help = "Import exceptions from files (docs/how-to/import-event-logs.md); the same file again changes nothing."
    kind = EXCEPTION
