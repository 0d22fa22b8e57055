"""d"""


def demo() -> int:
    """d"""
    return 0
