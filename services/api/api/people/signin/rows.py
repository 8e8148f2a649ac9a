"""The sign-in table: what is needed for minutes only.

| access pattern | key condition |
|---|---|
| the code of a challenge | `PK = CODE#<challenge>` |
| how often something was done in a window of time | `PK = LIMIT#<limit>#<window>#<whose, hashed>` |

DynamoDB removes rows up to days after their ``TTL``, so nothing relies on it: expiry is determined by the row itself or
by the window in its key.
"""

from watchkeeper.dynamodb import Keys

KEYS = Keys("PK")
