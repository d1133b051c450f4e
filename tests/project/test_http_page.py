"""docs/http.md is what the routes say about themselves."""

from docs.generate_http import PAGE, document, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(document()), "make docs"
