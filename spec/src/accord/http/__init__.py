"""``open_url``: one HTTP request at a time; needs the extra ``accord[http]``."""

from .headers import Headers
from .opening import open_url
from .responses import UrlResponse

__all__ = ["Headers", "UrlResponse", "open_url"]
