"""How many examples the suite tries; a Hypothesis profile with more than a hundred makes a fuzz run of it."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, settings

_ASKED: Final = settings.get_profile(settings.get_current_profile_name()).max_examples
_FUZZ: Final = _ASKED > 100
#: The subject is made once for all examples of a test, and the same test runs on many subjects: both are meant.
_MEANT: Final = (
    HealthCheck.function_scoped_fixture,
    HealthCheck.differing_executors,
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
)

#: Examples that cost no request.
PURE: Final = settings(max_examples=_ASKED if _FUZZ else 25, deadline=None, suppress_health_check=_MEANT)
#: Examples that write to one project, request by request.
THROUGH_THE_NETWORK: Final = settings(
    max_examples=max(6, _ASKED // 100) if _FUZZ else 6, deadline=None, suppress_health_check=_MEANT
)
