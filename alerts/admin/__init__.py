from alerts.admin import channels, outbox, policies, raised

__all__ = ["channels", "outbox", "policies", "raised"]
