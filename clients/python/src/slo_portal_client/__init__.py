"""Records what happens to invoices in an SLO portal, from inside the workflow that handles them."""

from slo_portal_client.aio import AsyncPortal
from slo_portal_client.messages import CannotSend, FieldError, PortalError
from slo_portal_client.outbox import Counts
from slo_portal_client.portal import Portal
from slo_portal_client.sender import Rejected

__all__ = ["AsyncPortal", "CannotSend", "Counts", "FieldError", "Portal", "PortalError", "Rejected"]
