"""Imports point down only. Each rule has a positive control: a house that breaks it, where it is found."""

from pathlib import Path

import pytest

from tests.floors import House

ROOT = Path(__file__).resolve().parent.parent
RULES = ["upward", "circular", "local", "impure", "asking_the_clock", "facing", "signalling"]

BROKEN = [
    ("upward", {"kpis/ingest.py": "from slos import tick\n", "slos/tick.py": ""}),
    ("upward", {"kpis/ingest.py": "def f():\n    import slos.tick\n", "slos/tick.py": ""}),
    ("upward", {"slos/models.py": "from slos.tick import tick\n", "slos/tick.py": ""}),
    ("upward", {"kpis/periods.py": "from kpis.models import X\n", "kpis/models.py": ""}),
    ("circular", {"slos/a.py": "from slos import b\n", "slos/b.py": "import slos.c\n", "slos/c.py": "import slos.a\n"}),
    ("circular", {"slos/a.py": "from . import b\n", "slos/b.py": "from .a import x\n"}),
    ("local", {"slos/a.py": "def f():\n    import json\n"}),
    ("local", {"slos/a.py": "class A:\n    async def f(self):\n        from json import loads\n"}),
    ("impure", {"slos/budget.py": "from django.db import models\n"}),
    ("impure", {"slos/budget.py": "from kpis.models import X\n", "kpis/models.py": ""}),
    ("impure", {"kpis/importers/csvfile.py": "import django.utils.timezone\n"}),
    ("asking_the_clock", {"slos/tick.py": "from django.utils import timezone\nnow = timezone.now()\n"}),
    ("asking_the_clock", {"slos/tick.py": "import datetime\ndef f():\n    return datetime.datetime.now(tz)\n"}),
    ("facing", {"slos/tick.py": "from slos.views import overview\n", "slos/views.py": ""}),
    ("facing", {"kpis/api.py": "from accounts.admin import X\n", "accounts/admin.py": ""}),
    ("facing", {"slo_portal/wsgi.py": "from slo_portal import tasks\n", "slo_portal/tasks.py": ""}),
    ("signalling", {"slos/a.py": "from django.db.models.signals import post_save\n"}),
]  # fmt: skip

SOUND = {
    "slos/tick.py": "from kpis import periods\nfrom kpis.models import X\nfrom django.db import models\n",
    "slos/budget.py": "from kpis.periods import day\nfrom fractions import Fraction\n",
    "slos/views.py": "from django.utils import timezone\ndef f():\n    return timezone.now()\n",
    "slos/urls.py": "from slos import views\n",
    "kpis/periods.py": "from datetime import datetime\n",
    "kpis/models.py": "",
}


def build(root: Path, files: dict[str, str]) -> House:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(root)


@pytest.fixture(scope="module")
def house() -> House:
    return House(ROOT)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_the_rule(house, rule):
    assert len(house.modules) > 30
    assert getattr(house, rule)() == []


@pytest.mark.parametrize(("rule", "files"), BROKEN)
def test_a_house_that_breaks_the_rule_is_found(rule, files, tmp_path):
    assert getattr(build(tmp_path, files), rule)()


@pytest.mark.parametrize("rule", RULES)
def test_a_sound_house_is_left_in_peace(rule, tmp_path):
    assert getattr(build(tmp_path, SOUND), rule)() == []
