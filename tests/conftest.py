"""What all tests share: real components by name, or an honest note that they were missing; and no test that a slow machine fails."""

import os

from hypothesis import HealthCheck, settings
from opentelemetry.context import Context, attach
from structlog.contextvars import clear_contextvars

pytest_plugins = ("tests.components", "tests.real_redis", "tests.emulators", "tests.recorded_spans")

# On top of what hypothesis chooses itself (it knows when it runs in continuous integration).
settings.register_profile(
    "turnscribe",
    parent=settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# What one Python has shown at length, the others need only be shown in short.
settings.register_profile("brief", parent=settings.get_profile("turnscribe"), max_examples=10)
settings.load_profile(os.environ.get("TURNSCRIBE_EXAMPLES", "turnscribe"))


def pytest_runtest_setup() -> None:
    """What a request bound to its log lines, or left as its span, that an earlier test handled in this thread is not this test's."""
    clear_contextvars()
    attach(Context())
