"""Times as the API and the commands write them, where a page does not say otherwise (the admin)."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "Y-m-d H:i:s"
