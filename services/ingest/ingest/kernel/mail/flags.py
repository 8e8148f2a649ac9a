"""Names of the oddities a mail can have."""

from typing import Final

BASE64_BROKEN: Final = "base64-broken"
CHARSET_UNKNOWN: Final = "charset-unknown"
DATE_IN_FUTURE: Final = "date-in-future"
DATE_MISSING: Final = "date-missing"
DATE_TOO_OLD: Final = "date-too-old"
DATE_UNPARSABLE: Final = "date-unparsable"
FROM_MISSING: Final = "from-missing"
FROM_UNPARSABLE: Final = "from-unparsable"
HTML_ONLY: Final = "html-only"
MESSAGE_ID_MISSING: Final = "message-id-missing"
SEVERAL_MESSAGE_IDS: Final = "several-message-ids"
SUBJECT_MISSING: Final = "subject-missing"
TOO_MANY_HEADERS: Final = "too-many-headers"
TOO_MANY_PARTS: Final = "too-many-parts"
TRUNCATED: Final = "truncated"
