"""A table's own name in front of its columns."""

from __future__ import annotations

import pytest

from odac_db.dialects.qualifiers import unqualified


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("posts.a > 0", "a > 0"),
        ('"posts"."a" > Posts . b', '"a" > b'),
        ("`posts`.`a` + [posts].[b]", "`a` + [b]"),
        ("myposts.a > posts", "myposts.a > posts"),
        ("a <> 'posts.a' AND posts.b", "a <> 'posts.a' AND b"),
        ("a /* posts.a */ -- posts.b\n> posts.c", "a /* posts.a */ -- posts.b\n> c"),
        ("main.posts.a", "main.posts.a"),
        ("posts.é > 0", "é > 0"),
    ],
)
def test_own_name_goes_and_nothing_else(expression: str, expected: str) -> None:
    assert unqualified(expression, "posts") == expected


def test_double_quotes_hold_strings_on_mysql() -> None:
    text = "\"posts.a\" <> posts.a AND 'x\\'posts.b' <> `posts`.`b`"
    expected = "\"posts.a\" <> a AND 'x\\'posts.b' <> `b`"
    assert unqualified(text, "posts", double_quotes_strings=True) == expected
