import pytest

pytest.register_assert_rewrite("sync.testing")
