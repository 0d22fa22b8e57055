"""Tables in use: how a migrate changes them while others read and write."""
