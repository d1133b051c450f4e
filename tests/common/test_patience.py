"""How long a body may take: as long as it comes fast, or hurts nobody."""

import pytest

from common.errors import Backpressure
from common.patience import FAST_BYTES_PER_S, GRACE_S, LEAST_BYTES_PER_S, PROMPT_S, Patience, SlowBodies


class Server:
    def __init__(self, threads: int = 8) -> None:
        self.others_wait = False
        self.bodies = SlowBodies(threads, lambda: self.others_wait)

    def slow_body(self) -> Patience:
        body = Patience(self.bodies)
        body.waited(PROMPT_S + 1, 1)
        return body


def gives_way(body: Patience) -> bool:
    try:
        body.waited(0.5, 1)
    except Backpressure:
        return True
    return False


def test_a_slow_body_is_waited_for_while_it_keeps_nobody_waiting() -> None:
    server = Server()
    bodies = [server.slow_body() for _ in range(8)]
    for body in bodies:
        body.waited(GRACE_S - PROMPT_S - 1.5, 1)


def test_where_others_wait_all_but_a_quarter_of_the_threads_give_way() -> None:
    server = Server()
    bodies = [server.slow_body() for _ in range(8)]
    server.others_wait = True
    gave_way = [gives_way(body) for body in bodies]
    assert (gave_way[:6], gave_way[6:]) == ([True] * 6, [False] * 2)


def test_one_that_has_ended_leaves_its_place_to_another() -> None:
    server = Server()
    first, second = server.slow_body(), server.slow_body()
    server.others_wait = True
    with pytest.raises(Backpressure, match="other requests wait"):
        server.slow_body()
    first.end()
    server.slow_body()
    second.waited(0.5, 1)


def test_a_fast_body_is_never_slow_however_large() -> None:
    server = Server(threads=1)
    server.others_wait = True
    server.slow_body()
    large = Patience(server.bodies)
    for _ in range(1000):
        large.waited(1, FAST_BYTES_PER_S)


def test_nobody_is_waited_for_for_ever() -> None:
    body = Patience(Server().bodies)
    for _ in range(2 * round(GRACE_S)):
        body.waited(1, LEAST_BYTES_PER_S // 2)
    with pytest.raises(Backpressure, match="too slowly") as gone:
        body.waited(1, LEAST_BYTES_PER_S // 2)
    assert (gone.value.reason, gone.value.retry_after_s > 0) == ("slow_body", True)
