"""All fronts of an installation in a process of their own, told over its standard input what to do to those who pass.

`python -m tests.chaos.pipeline.fronts CONFIGURATION`; each line of input is an order, each line of output says that it counts.
"""

import asyncio
import json
import random
import subprocess
import sys
import threading
from typing import Any, Self

from local_runner.lifetime import tied_command
from tests.chaos.pipeline.link_front import LinkFront, Way
from tests.chaos.pipeline.push_front import PushFront


class Fronts:
    """Started with the ports of its links (name → where it listens, where it leads), and those of the push front. A context manager."""

    def __init__(self, links: dict[str, tuple[int, int]], push_port: int, services: dict[str, int]) -> None:
        self._configuration = json.dumps({"links": links, "push": push_port, "services": services})
        self.links = tuple(links)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        command = tied_command([sys.executable, "-m", "tests.chaos.pipeline.fronts", self._configuration])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answered()
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        assert process is not None
        process.kill()
        process.communicate()

    def begin(self, seed: int) -> None:
        """What happens by chance follows from `seed` now, as far as the order of what passes does."""
        self._order({"seed": seed})

    def link(self, name: str, way: Way, most_s: float = 0.0) -> None:
        """How the way to a server is from now on."""
        self._order({"link": name, "way": way, "most_s": most_s})

    def pushes(self, weather: str) -> None:
        """How pushes fare from now on."""
        self._order({"pushes": weather})

    def calm(self) -> None:
        """Let everything pass. What is under way late comes all the same."""
        for name in self.links:
            self.link(name, "open")
        self.pushes("calm")

    def _order(self, order: dict[str, Any]) -> None:
        with self._lock:
            assert self._process is not None
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            self._answered()

    def _answered(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer == b"done\n", f"the fronts ended: {answer!r}"


async def _run(configuration: dict[str, Any]) -> None:
    chance = random.Random()
    links = {name: LinkFront(listens, leads, chance) for name, (listens, leads) in configuration["links"].items()}
    push = PushFront(configuration["push"], configuration["services"], chance)
    for link in links.values():
        await link.listen()
    await push.listen()
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print("done", flush=True)
    while line := await orders.readline():
        order = json.loads(line)
        if "link" in order:
            links[order["link"]].become(order["way"], order["most_s"])
        elif "pushes" in order:
            push.weather = order["pushes"]
        else:
            chance.seed(order["seed"])
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
