import pytest

from common.errors import Backpressure
from ingest_service.http.places import Places, places_of


def test_no_more_than_the_limit_at_a_time() -> None:
    places = Places(2)
    with places.taken(), places.taken(), pytest.raises(Backpressure, match="All 2 places"), places.taken():
        pass
    with places.taken(), places.taken():
        pass


def test_a_failure_gives_its_place_back() -> None:
    places = Places(1)
    for _ in range(3):
        with pytest.raises(KeyError), places.taken():
            raise KeyError


@pytest.mark.parametrize(("threads", "limit"), [(1, 1), (2, 1), (8, 4), (33, 16)])
def test_half_of_the_threads_are_kept_for_short_requests(threads: int, limit: int) -> None:
    assert places_of(threads) == limit
