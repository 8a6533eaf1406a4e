"""The engine and the oracle live through the same small worlds; every figure of theirs is the same, exactly.

Messages arrive in any order, some twice, late, wrongly or not at all; objectives are edited and paused; ticks and
measurements happen in between. Seven SLIs, eleven zones, each world near a day on which a clock does something odd.
"""

from random import Random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.oracle import worlds
from tests.oracle.facts import INVOICE
from tests.slos.playing import Play

SCRIPTS = st.builds(worlds.script, st.randoms(use_true_random=False), clocks=st.just(True))
SOME, MANY, PARTS = 15, 50, 4  # in parts, so that several processes share the cases

anything_goes = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture
def neighbour(db: None) -> Play:
    """Another organisation whose rows bear the same names; its invoices are all void."""
    script = worlds.script(Random(1), invoices=10, exceptions=5)
    voided = [{"invoice_id": f"i{i}", "voided_at": script.end} for i in range(10)]
    script.steps.insert(-1, (script.end, worlds.Tell(INVOICE, voided)))
    play = Play(script, slug="neighbour")
    play.run()
    return play


def play_and_compare(script: worlds.Script) -> None:
    with transaction.atomic():
        play = Play(script)
        play.run()
        play.compare_rows()
        play.compare_all_periods(script.end)
        transaction.set_rollback(True)


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS + 1))])
def test_every_figure_equals_that_of_the_oracle(neighbour: Play, part: int) -> None:
    @seed(part)  # where a run is not left to chance, all parts would be alike
    @settings(anything_goes, max_examples=MANY if part else SOME)
    @given(SCRIPTS)
    def check(script: worlds.Script) -> None:
        play_and_compare(script)

    check()
    neighbour.compare(neighbour.script.end)


@pytest.mark.long
@pytest.mark.parametrize("part", range(40))
def test_every_figure_equals_that_of_the_oracle_in_many_worlds(neighbour: Play, part: int) -> None:
    @settings(anything_goes, max_examples=500)
    @given(SCRIPTS)
    def check(script: worlds.Script) -> None:
        play_and_compare(script)

    check()
    neighbour.compare(neighbour.script.end)
