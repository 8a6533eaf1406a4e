"""Figures in words. Rounding never makes one look better than it is; what is not known is "no data"."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

NO_DATA = "no data"
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def number(value: Decimal | int) -> str:
    """With separators of thousands and a real minus sign."""
    return f"{value:,}".replace("-", MINUS)


def plural(noun: str, count: Decimal | int) -> str:
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    return f"{number(count)} {plural(noun, count)}"


def percentage(value: float | None, places: int = 1, *, less_is_better: bool = False) -> str:
    """0..100 as text; so 94.96 is "94.9 %" and never looks like 95."""
    if value is None:
        return NO_DATA
    rounding = ROUND_CEILING if less_is_better else ROUND_FLOOR
    return f"{number(Decimal(str(value)).quantize(Decimal(1).scaleb(-places), rounding))}{SPACE}%"


def duration(seconds: float | None) -> str:
    """In its two largest units, rounded up: "4 min 40 s", "3 h 5 min", "0 s"."""
    if seconds is None:
        return NO_DATA
    rest = int(-(-seconds // 1))
    found = []
    for unit, length in UNITS:
        if rest >= length:
            found.append(f"{rest // length}{SPACE}{unit}")
            rest %= length
    return " ".join(found[:2]) or f"0{SPACE}s"


def moved(change: float | None, unit: str, before: str, places: int = 1) -> str:
    """Against an earlier period: "1.2 points more than in the 30 days before"."""
    if change is None:
        return f"{NO_DATA} of {before}"
    size = moved_by(change, unit, places)
    return f"{size} than in {before}" if size else f"as in {before}"


def moved_by(change: float, unit: str, places: int = 1) -> str:
    """ "1.2 points more"; empty where nothing is left of it."""
    size = abs(Decimal(str(change))).quantize(Decimal(1).scaleb(-places))
    return f"{number(size)}{unit} {'more' if change > 0 else 'less'}" if size else ""
