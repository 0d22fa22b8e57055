"""What odac did and should have done, behaviour by behaviour."""

import pytest

pytest.register_assert_rewrite("tests.behaviours.steps")
