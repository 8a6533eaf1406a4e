"""A mobile number is written so that every provider understands it."""

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User


@pytest.mark.parametrize("number", ["", "+4915112345678", "+12025550100", "+2901234"])
def test_a_number_with_its_country_is_taken(number):
    User(username="ann", phone=number).clean_fields(exclude={"password"})


REFUSED = ["015112345678", "004915112345678", "+49 151 12345678", "+0123456789", "+49", "+1234567890123456", "+49x"]


@pytest.mark.parametrize("number", [*REFUSED, "+4915112345678\n", "+49151\uff1134567"])
def test_any_other_is_refused_with_an_example(number):
    with pytest.raises(ValidationError) as refused:
        User(username="ann", phone=number).clean_fields(exclude={"password"})
    assert "phone" in refused.value.message_dict
