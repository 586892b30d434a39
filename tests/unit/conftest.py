"""Properties have no deadline here: how long an example takes says more of the machine than of the code."""

from hypothesis import settings

settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
