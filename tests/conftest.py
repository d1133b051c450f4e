"""What all tests share: real components by name, or an honest note that they were missing."""

pytest_plugins = ("tests.components",)
