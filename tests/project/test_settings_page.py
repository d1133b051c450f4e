"""docs/settings.md is what the settings classes say, and no variable that users already have is silently ignored."""

import pytest

from docs.generate_settings import PAGE, SECTIONS, page
from tests.earlier_deployment import EARLIER_NAMES


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs"


@pytest.mark.parametrize("name", EARLIER_NAMES)
def test_a_name_of_the_earlier_deployment_has_a_meaning(name: str) -> None:
    assert any(name.lower() in cls.__struct_fields__ for _, cls in SECTIONS)
