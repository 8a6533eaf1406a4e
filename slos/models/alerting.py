"""When an objective raises an alert: every threshold and every guard, editable per objective."""

from datetime import timedelta
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from slos import sensible
from slos.burn import BurnRule, Guards, default_rules, sre_rules


class BurnPolicy(models.TextChoices):
    DEFAULT = "default", "Two thresholds of this objective"
    SRE = "sre", "Shares of the budget (SRE workbook)"


class SLOAlertType(models.TextChoices):
    """The alerts that an objective raises; the names are those of all alerts."""

    BURN_RATE_WARNING = "burn_rate_warning", "Budget is spent too fast"
    ERROR_BUDGET_CONSUMED = "error_budget_consumed", "Error budget nearly used up"
    ERROR_BUDGET_EXHAUSTED = "error_budget_exhausted", "Error budget used up"
    CRITICAL_PERFORMANCE = "critical_performance", "Critical performance"
    CONSECUTIVE_FAILURES = "consecutive_failures", "Target missed several times in a row"


def numbers(*values: object) -> bool:
    """What could not be made a number has been refused already."""
    return all(isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite()) for value in values)


def burn_rate(default: str, what: str) -> models.DecimalField:
    return models.DecimalField(
        max_digits=8,
        decimal_places=3,
        default=Decimal(default),
        validators=[MinValueValidator(1)],
        help_text=f"A burn rate above this is {what}. At 1 the budget just lasts; 100 / error budget is never passed.",
    )


def look_back_hours(default: int) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(
        default=default,
        validators=[MinValueValidator(1), MaxValueValidator(168)],
        help_text="Over so many hours, 1 to 168. The last twelfth of them must burn as fast: it still goes on.",
    )


def share(default: int, lowest: int, highest: int, help_text: str) -> models.DecimalField:
    return models.DecimalField(
        max_digits=6,
        decimal_places=2,
        default=default,
        validators=[MinValueValidator(lowest), MaxValueValidator(highest)],
        help_text=help_text,
    )


def number(default: int, lowest: int, highest: int, help_text: str) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(
        default=default, validators=[MinValueValidator(lowest), MaxValueValidator(highest)], help_text=help_text
    )


class AlertRules(models.Model):
    burn_policy = models.CharField(
        "burn rate rules",
        max_length=7,
        choices=BurnPolicy,
        default=BurnPolicy.DEFAULT,
        help_text="How it is decided that the budget is spent too fast: by the thresholds below, or by the shares of "
        "the budget that the SRE workbook names (2 % in 1 h, 5 % in 6 h, 10 % in 1 and 3 days).",
    )
    burn_rate_warning_threshold = burn_rate("1.5", "elevated: a warning")
    burn_rate_warning_hours = look_back_hours(24)
    burn_rate_alert_threshold = burn_rate("2", "high: critical")
    burn_rate_alert_hours = look_back_hours(6)
    alerting_threshold_percentage = share(
        80, 6, 99, "Share of the error budget whose consumption is a warning. It ends 5 points below."
    )
    critical_threshold_percentage = share(
        95, 7, 99, "Share of the error budget whose consumption is critical. At 100 it is an incident."
    )
    critical_performance_percentage = share(
        50, 1, 99, "Below this share of good events in the last closed measurement it is critical at once."
    )
    consecutive_failures = number(3, 1, 30, "So many closed measurements in a row under their target are a warning.")
    min_events = number(10, 1, 1000, "A burn rate from fewer events proves nothing, and raises no alert.")
    min_bad = number(
        3, 1, 1000, "Nor does one from fewer bad events. A whole budget of fewer is too few to judge: only warnings."
    )
    confidence = models.DecimalField(
        max_digits=4,
        decimal_places=2,
        default=2,
        validators=[MinValueValidator(0), MaxValueValidator(10)],
        help_text="Standard deviations by which bad events must pass what the budget allows: 2 leaves out most chance.",
    )
    resolve_after_minutes = number(
        30, 5, 1440, "An alert resolves when its condition has not held for so many minutes in a row, 5 to 1440."
    )
    alert_types_off = ArrayField(
        models.CharField(max_length=30, choices=SLOAlertType),
        default=list,
        blank=True,
        help_text="Alerts that this objective does not raise.",
    )

    class Meta:
        abstract = True

    @property
    def guards(self) -> Guards:
        return Guards(self.min_events, self.min_bad, self.confidence)

    def rules(self, budget: Decimal, window: timedelta) -> tuple[BurnRule, ...]:
        """The burn-rate rules for an error budget, a fraction, over a compliance window."""
        if self.burn_policy == BurnPolicy.SRE:
            return sre_rules(budget, window)
        return default_rules(
            self.burn_rate_warning_threshold,
            timedelta(hours=self.burn_rate_warning_hours),
            self.burn_rate_alert_threshold,
            timedelta(hours=self.burn_rate_alert_hours),
        )

    def wrong_alerting(self, *, budget: Decimal | None, target: Decimal, window_hours: int) -> dict[str, str]:
        """What makes no sense, by field; `budget` in percent, None where it is refused by itself."""
        wrong: dict[str, str] = {}
        burns = self.burn_rate_warning_threshold, self.burn_rate_alert_threshold
        if self.burn_policy == BurnPolicy.DEFAULT and budget is not None and numbers(*burns):
            wrong |= sensible.burn_rates(budget, *burns)
        for name in ("burn_rate_warning_hours", "burn_rate_alert_hours"):
            if numbers(getattr(self, name)):
                wrong |= sensible.look_back(name, getattr(self, name), window_hours)
        shares = self.alerting_threshold_percentage, self.critical_threshold_percentage
        if numbers(*shares):
            wrong |= sensible.shares(*shares)
        if numbers(self.critical_performance_percentage, target):
            wrong |= sensible.critical_performance(self.critical_performance_percentage, target)
        return wrong
