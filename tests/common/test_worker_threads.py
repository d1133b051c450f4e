import threading
import time

from common.worker_threads import WorkerThreads


def test_one_job_after_the_other_needs_one_thread() -> None:
    with WorkerThreads(50) as pool:
        for number in range(2_000):
            assert pool.submit(lambda: threading.get_ident()).result() > 0, number
        assert len(pool._threads) <= 2, "one that has just finished may not be counted as free yet"


def test_jobs_that_follow_closely_need_no_more_threads_than_are_at_work() -> None:
    with WorkerThreads(50) as pool:
        for _ in range(300):
            jobs = [pool.submit(time.sleep, 0.0005) for _ in range(3)]
            for job in jobs:
                job.result()
        assert len(pool._threads) <= 6


def test_whatever_is_held_up_there_is_a_thread_for_the_next_one_up_to_the_limit() -> None:
    held = threading.Event()
    with WorkerThreads(5) as pool:
        for _ in range(100):
            pool.submit(int).result()
        blocked = [pool.submit(held.wait) for _ in range(4)]
        assert pool.submit(lambda: "answered").result(timeout=10) == "answered"
        waiting = [pool.submit(held.wait) for _ in range(3)]
        assert len(pool._threads) == 5
        held.set()
        assert all(job.result(timeout=10) for job in [*blocked, *waiting])


def test_what_fails_is_the_callers_and_counts_as_done() -> None:
    with WorkerThreads(5) as pool:
        for _ in range(100):
            assert isinstance(pool.submit(int, "no number").exception(), ValueError)
        assert len(pool._threads) <= 2
