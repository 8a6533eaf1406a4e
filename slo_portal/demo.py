"""A portal to try things out with: its own data directory, so that it never meets real data, and a made-up firm."""

import fcntl
import json
import os
import secrets
import shutil
import sys
from pathlib import Path

from django.db import transaction

from accounts.models import Membership, Organization, User
from slo_portal.env import BASE_DIR, DATA_DIR
from slo_portal.local import StartError
from slo_portal.organizations import FIRST
from slo_portal.processes import Program
from slo_portal.second_shell import try_lock
from slo_portal.stack import WORKER_STATEMENT_MS, Stack, environment
from slo_portal.supervisor import Say

FOLDER, MARK = "demo", "demo.json"
FIRM = "Meridian Foods (demo)"
PEOPLE = {
    "viewer": ("Vera Lind", Membership.Role.VIEWER),
    "operator": ("Omar Reyes", Membership.Role.OPERATOR),
    "lead": ("Lena Novak", Membership.Role.ADMIN),
}
# set, but to nothing: neither a real database nor a real recipient can be reached from here
NOTHING = (
    *("DATABASE_URL", "REDIS_URL", "SMTP_URL", "HEARTBEAT_URL", "ALERT_EMAIL_TO", "TWILIO_ACCOUNT_SID", "HTTPS"),
    *("METRICS_ENABLED", "SLO_HOURLY_ENABLED", "SLO_DAILY_ENABLED", "SLO_WEEKLY_ENABLED", "ALERT_EMAIL_ENABLED"),
    *("ALERT_SMS_ENABLED", "SITE_URL", "DOGSTATSD_ADDRESS", "OTLP_ENDPOINT"),
)
MADE = (  # all that a portal puts into its data directory
    *("commands.lock", "portal.lock", "postgres.lock", "postgres.log", "valkey.log", "secret-key", "static.stamp"),
    *("simulation.json", "simulation.lock", "postgres", "run", "static", "valkey", MARK),
)
PAST = "30"  # days
INCIDENT_AFTER = 60  # seconds of live traffic


def surroundings(data_dir: Path) -> dict[str, str]:
    """The environment of a demonstration beside the portal that has its data in `data_dir`."""
    ours = {"DEMO": "true", "DATA_DIR": str(data_dir / FOLDER), "ENV_FILE": os.devnull}
    hosts = {"ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]"}
    return {**os.environ, **dict.fromkeys(NOTHING, ""), **ours, **hosts}


def password(data_dir: Path = DATA_DIR) -> str:
    """Of everybody in the demonstration: made once, and kept where only its owner reads. Raises StartError where
    something else than a demonstration lives in the folder."""
    mark = data_dir / MARK
    if mark.exists():
        return str(json.loads(mark.read_text())["password"])
    if (data_dir / "postgres").exists():
        raise StartError(f"{data_dir} holds the data of a portal that is no demo. Name another folder in DATA_DIR.")
    made = secrets.token_urlsafe(9)
    with open(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump({"password": made}, file)
    return made


def remove(data_dir: Path, *, dry_run: bool = False) -> list[str]:
    """Delete what a demonstration has made, and nothing else; returns the names. Raises StartError where there is none,
    or where it runs."""
    if not (data_dir / MARK).exists():
        raise StartError(f"There is no demo in {data_dir}: nothing was removed.")
    for lock in ("portal.lock", "postgres.lock"):
        with (data_dir / lock).open("w") as file:
            if not try_lock(file):
                raise StartError("The demo is running: stop it first (Ctrl-C where it was started).")
            fcntl.flock(file, fcntl.LOCK_UN)
    found = [data_dir / name for name in MADE if (data_dir / name).exists()]  # the mark goes last
    for path in [] if dry_run else found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not any(data_dir.iterdir()):
        data_dir.rmdir()
    return [path.name for path in found]


@transaction.atomic
def introduce(secret: str) -> None:
    """The firm and its people, once. Before bootstrap, which gives the firm the rest."""
    firm, _ = Organization.objects.get_or_create(slug=FIRST, defaults={"name": FIRM})
    for name, (full_name, role) in PEOPLE.items():
        if User.objects.filter(username=name).exists():
            continue
        first, last = full_name.split()
        may_all = role == Membership.Role.ADMIN
        user = User(username=name, first_name=first, last_name=last, is_staff=may_all, is_superuser=may_all)
        user.set_password(secret)
        user.save()
        Membership.objects.create(user=user, organization=firm, role=role)


class Demo(Stack):
    """The whole portal, its people, and the firm's traffic as one program more."""

    def __init__(self, port: int, say: Say, *, incident: str) -> None:
        super().__init__(port, say)
        self.incident, self.secret = incident, password()

    def programs(self) -> list[Program]:
        command = [sys.executable, "manage.py", "simulate", "--live", "--resume", "--past", PAST]
        command += ["--incident", self.incident, "--incident-after", str(INCIDENT_AFTER)]
        traffic = Program("firm", command, env=environment(WORKER_STATEMENT_MS), cwd=BASE_DIR)
        return [*super().programs(), traffic]

    def _bootstrap(self) -> None:
        introduce(self.secret)
        super()._bootstrap()

    def welcome(self) -> None:
        super().welcome()
        self.say("portal", f"sign in as {', '.join(PEOPLE)}: the password of all of them is {self.secret}")
