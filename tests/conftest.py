"""What all tests share: real components by name, or an honest note that they were missing; and no test that a slow machine fails."""

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.components", "tests.real_redis", "tests.emulators", "tests.recorded_spans")

# On top of what hypothesis chooses itself (it knows when it runs in continuous integration).
settings.register_profile(
    "turnscribe",
    parent=settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("turnscribe")
