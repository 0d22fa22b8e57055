"""Schema files: read into declarations, written from them, respelt in place.

``read`` is the way in, ``write`` the way out, ``fmt`` keeps files in the one spelling.
"""

from odac_db.schema.files.read import folder_digest, read_folder

__all__ = ["folder_digest", "read_folder"]
