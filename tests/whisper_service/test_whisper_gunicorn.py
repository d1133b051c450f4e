from whisper_service.__main__ import FRONT_END_KEEPALIVE_S, SPARE_THREADS, server_options
from whisper_service.settings import WhisperSettings


def options(*, behind_front_end, **values):
    return server_options(WhisperSettings(**values), behind_front_end=behind_front_end)


def test_on_a_machine_of_one_s_own_it_listens_where_it_is_told():
    assert options(behind_front_end=False, api_port=8090)["bind"] == "127.0.0.1:8090"


def test_in_a_container_the_platform_s_front_end_can_reach_it_and_never_meets_a_closing_connection():
    inside = options(behind_front_end=True, api_port=8080)
    assert inside["bind"] == "0.0.0.0:8080"
    assert inside["keepalive"] == FRONT_END_KEEPALIVE_S > 600


def test_health_is_answered_however_full_it_is():
    full = options(behind_front_end=True, whisper_workers=3, whisper_queue=5)
    assert full["threads"] == 3 + 5 + SPARE_THREADS
    assert full["workers"] == 1
