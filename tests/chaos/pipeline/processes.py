"""The processes of an installation, and what is done to them: killed, frozen, given another time, cut off, all of it undone."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import redis
import urllib3

from local_cloud.processes import Child
from tests.chaos.pipeline.faults import Fault
from tests.chaos.pipeline.fronts import Fronts
from tests.chaos.pipeline.machine import MovableClock, SmallDisk
from tests.processes import processes_below

READY_S: Final = 240.0


class Processes:
    """Children by name, each with a clock, behind fronts. What is asked of it is asked in the thread that started them."""

    def __init__(self, log_folder: Path, environ: Mapping[str, str]) -> None:
        self.log_folder = log_folder
        log_folder.mkdir(parents=True, exist_ok=True)
        self._environ = dict(environ)
        self.children: dict[str, Child] = {}
        self._clocks: dict[str, MovableClock] = {}
        self._health: dict[str, str] = {}
        self.running = ExitStack()

    def add(
        self, name: str, command: Sequence[str], port: int, environ: Mapping[str, str], health: str | None = None
    ) -> Child:
        """A process to come; `health` is asked before it counts as ready."""
        self._clocks[name] = MovableClock(self.log_folder / f"{name}.clock")
        log_path = self.log_folder / f"{name}.log"
        own = {**self._environ, **environ, **self._clocks[name].environ}
        self.children[name] = Child(name, command, port=port, log_path=log_path, environ=own)
        if health:
            self._health[name] = f"http://127.0.0.1:{port}{health}"
        return self.children[name]

    def adopt(self, child: Child) -> None:
        """One that was made elsewhere; its clock is the machine's."""
        self.children[child.name] = child

    def start(self, *names: str) -> None:
        for name in names:
            self.children[name].start()
            self.running.callback(self.children[name].kill)

    def wait_until_ready(self) -> None:
        """All that run answer, and say that they can reach what they stand on."""
        for child in self.children.values():
            if child.port:
                child.wait_until_listening(READY_S)
        deadline_s = time.monotonic() + READY_S
        with urllib3.PoolManager(retries=False, timeout=10.0) as pool:
            for name, url in self._health.items():
                while not _is_ready(pool, url):
                    assert time.monotonic() < deadline_s, f"{name} is not ready; its log is in {self.log_folder}"
                    time.sleep(0.05)

    def kill(self, name: str) -> None:
        self.children[name].kill()

    def kill_workers(self, name: str) -> None:
        """SIGKILL for what gunicorn's arbiter has started; it starts others."""
        child = self.children[name]
        if child.is_running:
            for pid in processes_below(child.pid) - {child.pid}:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def freeze(self, name: str) -> None:
        if self.children[name].is_running:
            self.children[name].freeze()

    def revive(self, name: str) -> None:
        """Whatever was done to it: it runs afterwards."""
        child = self.children[name]
        if child.is_running:
            child.thaw()
        else:
            child.start()

    def set_clock(self, name: str, ahead_s: float) -> None:
        self._clocks[name].set(ahead_s)

    def reset_clocks(self) -> None:
        for clock in self._clocks.values():
            clock.set(0.0)


def _is_ready(pool: urllib3.PoolManager, url: str) -> bool:
    try:
        return pool.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False


class Disturber:
    """Does what a schedule says to the processes of one installation, and undoes it."""

    def __init__(self, processes: Processes, fronts: Fronts, disk: SmallDisk | None, redis_port: int | None) -> None:
        self._processes = processes
        self._fronts = fronts
        self._disk = disk
        self._redis_port = redis_port

    def strike(self, fault: Fault) -> None:
        """Begin it."""
        match fault.kind:
            case "kill":
                self._processes.kill(fault.target)
            case "kill worker":
                self._processes.kill_workers(fault.target)
            case "freeze":
                self._processes.freeze(fault.target)
            case "flush":
                self._flush()
            case "pushes":
                self._fronts.pushes(fault.target)
            case "slow" | "cut" | "refuse":
                self._fronts.link(fault.target, fault.kind, fault.by_s)
            case "clock":
                self._processes.set_clock(fault.target, fault.by_s)
            case "disk":
                if self._disk:
                    self._disk.fill()

    def relieve(self, fault: Fault) -> None:
        """End it. A clock stays where it is until all is over."""
        match fault.kind:
            case "kill" | "freeze":
                self._processes.revive(fault.target)
            case "pushes":
                self._fronts.pushes("calm")
            case "slow" | "cut" | "refuse":
                self._fronts.link(fault.target, "open")
            case "disk":
                if self._disk:
                    self._disk.free()
            case _:
                pass

    def heal(self) -> None:
        """Whatever has begun: everything runs, and nothing is in its way."""
        if self._disk:
            self._disk.free()
        self._fronts.calm()
        self._processes.reset_clocks()
        for name in self._processes.children:
            self._processes.revive(name)
        self._processes.wait_until_ready()

    def _flush(self) -> None:
        if self._redis_port is None:
            return
        with redis.Redis("127.0.0.1", self._redis_port, socket_timeout=0.5) as client, suppress(redis.RedisError):
            client.flushall()  # while it is down there is nothing to flush
