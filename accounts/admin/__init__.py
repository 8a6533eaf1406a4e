"""People, invitations, tokens and the audit trail in the administration."""

from accounts.admin import audit, invitations, people, tokens

__all__ = ["audit", "invitations", "people", "tokens"]
