"""All streams at once, each from a thread of its own. An uploader gives up only once its bound has passed, or when it is refused for good."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tests.chaos.pipeline.accepted import Accepted
from tests.chaos.pipeline.installation import Installation
from tests.chaos.pipeline.streams import PlannedStream, Way
from tests.chaos.pipeline.ways_in.earlier import over_extension, over_session
from tests.chaos.pipeline.ways_in.live import over_chunks, over_sdk, over_websocket
from tests.chaos.pipeline.ways_in.topic import over_topic_chunks, over_topic_file
from tests.chaos.pipeline.ways_in.upload import GivenUp, Upload
from tests.chaos.pipeline.ways_in.whole import over_folder, over_recording, over_tus
from turnscribe.errors import TurnscribeClientError

PATIENCE_S: Final = 90.0
WAYS: Final[Mapping[Way, Callable[[Upload], None]]] = {
    "chunks": over_chunks,
    "sdk": over_sdk,
    "websocket": over_websocket,
    "tus": over_tus,
    "recording": over_recording,
    "extension": over_extension,
    "session": over_session,
    "topic chunks": over_topic_chunks,
    "topic file": over_topic_file,
    "folder": over_folder,
}


def start(
    installation: Installation,
    planned: Sequence[PlannedStream],
    run: str,
    pace_s: float,
    patience_s: float = PATIENCE_S,
) -> "Running":
    """Begin to upload all of them under ids that begin with `run`; a recorder gives out a chunk every `pace_s`."""
    deadline_s = time.monotonic() + patience_s
    began = {each.name: threading.Event() for each in planned}
    uploads = [
        Upload(
            installation,
            each,
            run,
            pace_s,
            deadline_s,
            began[each.name],
            began.get(each.with_name),
        )
        for each in planned
    ]
    of_two = {name for each in planned if each.with_name for name in (each.name, each.with_name)}
    return Running(run, uploads, [began[name] for name in of_two if name in began])


class Running:
    """Uploads on their way."""

    def __init__(self, run: str, uploads: Sequence[Upload], of_two: Sequence[threading.Event]) -> None:
        self._run = run
        self._uploads = uploads
        self._of_two = of_two
        self._threads = [
            threading.Thread(target=_carry_out, args=(upload,), name=f"upload {upload.planned.name}", daemon=True)
            for upload in uploads
        ]
        for thread in self._threads:
            thread.start()

    @property
    def are_opened(self) -> bool:
        """Whether something of each connection was accepted whose meeting has another one."""
        return all(began.is_set() for began in self._of_two)

    @property
    def is_over(self) -> bool:
        """Whether every uploader has ended, well or not."""
        return not any(thread.is_alive() for thread in self._threads)

    def finish(self, timeout_s: float) -> Accepted:
        """What was accepted, once all have ended. Whoever has not by then is said to have failed."""
        until_s = time.monotonic() + timeout_s
        for upload, thread in zip(self._uploads, self._threads, strict=True):
            thread.join(max(0.0, until_s - time.monotonic()))
            if thread.is_alive():
                upload.accepted.failure = f"still uploading after {timeout_s:.0f} s"
        return Accepted(self._run, tuple(upload.accepted for upload in self._uploads))


def _carry_out(upload: Upload) -> None:
    if upload.may_begin is not None:
        upload.may_begin.wait(upload.left_s)
    try:
        WAYS[upload.planned.way](upload)
    except (GivenUp, TurnscribeClientError) as error:
        upload.accepted.failure = f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 -- a thread's; whoever waits for it says so
        upload.accepted.failure = f"the uploader is at fault: {error!r}"
