"""Every name that the portal exposes. docs/reference/exposition.md says what each means."""

from kpis.periods import LOOK_BACKS
from monitoring.exposition import COUNTER, GAUGE, HISTOGRAM, Family

PROCESSED = Family("ap_intake_invoices_processed_total", COUNTER, "Invoices with an outcome, as it was first told.")
DURATION = Family("ap_intake_processing_duration_seconds", HISTOGRAM, "Time that a step of an invoice took.")
CONFIDENCE = Family("ap_intake_extraction_confidence", HISTOGRAM, "Confidence of extraction, 0 to 1.")
VALIDATED = Family("ap_intake_validation_results_total", COUNTER, "Invoices with both checks known.")
EXCEPTIONS = Family("ap_intake_exceptions_total", COUNTER, "Exceptions that were opened, by kind and severity.")
ACTIVE = Family("ap_intake_active_workflows", GAUGE, "Invoices uploaded, and not completed, rejected or voided.")
ACHIEVED = Family("ap_intake_slo_achieved_percentage", GAUGE, "SLI over the compliance window, 0 to 100.")
CONSUMED = Family("ap_intake_error_budget_consumed", GAUGE, "Share of the window's error budget used up, in percent.")
EVENTS = Family("ap_intake_slo_events_total", COUNTER, "Events of an SLO, good or bad as first decided.")
ALERTS = Family("ap_intake_slo_alerts_total", COUNTER, "Alerts that opened or worsened, by the severity they reached.")

OPEN = Family("ap_intake_open_alerts", GAUGE, "Alerts that are not resolved.")
TICKED = Family("ap_intake_calculation_timestamp_seconds", GAUGE, "When the figures were last brought up to date.")
WAITING = Family("ap_intake_notifications_waiting", GAUGE, "Notifications and messages that are due and not sent.")
LATE = Family("ap_intake_notification_lag_seconds", GAUGE, "For how long the oldest of them has been due.")
MEMORY = Family("ap_intake_memory_usage_bytes", GAUGE, "Memory of a part of the portal, all its processes together.")
CPU = Family("ap_intake_cpu_usage_percent", GAUGE, "Processor time of a part of the portal; 100 is one core.")
SEEN = Family(
    "ap_intake_component_seen_timestamp_seconds", GAUGE, "When a part of the portal last showed that it lives."
)
QUEUE = Family("ap_intake_queue_depth", GAUGE, "Tasks that wait in the broker.")
SIZE = Family("ap_intake_database_size_bytes", GAUGE, "Size of the database on disk.")
TICK = Family("ap_intake_tick_duration_seconds", GAUGE, "The slowest tick of a minute, of all organisations.")
DELIVERY = Family(
    "ap_intake_delivery_duration_seconds",
    GAUGE,
    "The longest that a message of a minute was on its way.",
)

OBJECTIVE = Family("slo:objective:ratio", GAUGE, "Target of the SLO, 0 to 1.")
BUDGET = Family("slo:error_budget:ratio", GAUGE, "Share of events that may be bad, 0 to 1.")
DAYS = Family("slo:time_period:days", GAUGE, "Length of the compliance window.")
ERRORS = {
    name: Family(f"slo:sli_error:ratio_rate{name}", GAUGE, f"Share of bad events of the last {name}.")
    for name in LOOK_BACKS
}
BURN = Family("slo:current_burn_rate:ratio", GAUGE, "Burn rate of the last 5 minutes.")
PERIOD_BURN = Family("slo:period_burn_rate:ratio", GAUGE, "Burn rate over the compliance window.")
REMAINING = Family("slo:period_error_budget_remaining:ratio", GAUGE, "Share of the window's error budget left.")

STORED = (PROCESSED, DURATION, CONFIDENCE, VALIDATED, EXCEPTIONS, ACTIVE, ACHIEVED, CONSUMED, EVENTS, ALERTS)
LIVE = (OPEN, TICKED, WAITING, LATE, MEMORY, CPU, SEEN, QUEUE, SIZE, TICK, DELIVERY)
SLOTH = (OBJECTIVE, BUDGET, DAYS, *ERRORS.values(), BURN, PERIOD_BURN, REMAINING)
