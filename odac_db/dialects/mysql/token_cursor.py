"""A place in the text of a statement, and the steps from there. Pure."""

from __future__ import annotations

from odac_db.dialects.mysql.literals import Token, tokens, unquote_name

END = Token("end", "", -1, -1)
"""What comes after the last token, as often as it is asked for."""


class TokenCursor:
    """Steps through a statement, token by token."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.pieces = list(tokens(sql))
        self.at = 0

    def peek(self, ahead: int = 0) -> Token:
        place = self.at + ahead
        return self.pieces[place] if place < len(self.pieces) else END

    def next(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *words: str) -> bool:
        """Steps over these words if they are next."""
        for ahead, word in enumerate(words):
            token = self.peek(ahead)
            if token.text.upper() != word or token.kind in ("name", "string"):
                return False
        self.at += len(words)
        return True

    def name(self) -> str:
        return unquote_name(self.next().text)

    def enclosed(self) -> str:
        """The text between the parenthesis that is next and its partner."""
        start = self.next().end
        depth = 1
        while depth:
            token = self.next()
            if token is END:
                raise ValueError("a parenthesis is never closed")
            depth += (token.text == "(") - (token.text == ")")
        return self.sql[start : token.start].strip()
