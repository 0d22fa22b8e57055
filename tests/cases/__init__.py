"""Hand-made transitions: one schema becomes another, with rows, on every server."""

import pytest

pytest.register_assert_rewrite("tests.cases.ground")
