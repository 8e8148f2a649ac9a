"""Mails as on kernel lists, of which a test specifies only what it is about."""

from datetime import UTC, datetime

NOW = datetime(2026, 7, 20, 12, 0, tzinfo=UTC)

DIFF = """\
diff --git a/drivers/hwmon/tmp999.c b/drivers/hwmon/tmp999.c
index 1111111..2222222 100644
--- a/drivers/hwmon/tmp999.c
+++ b/drivers/hwmon/tmp999.c
@@ -10,3 +10,3 @@ static int tmp999_read(struct device *dev)
 \tint ret;
-\tret = read(dev);
+\tret = read_word(dev);
 \treturn ret;
"""

PATCH_BODY = f"""\
The register is 16 bits wide.

Fixes: 0123456789ab ("hwmon: Add tmp999")
Signed-off-by: Ada Example <ada@example.org>
---
Changes in v2:
- read the whole register

 drivers/hwmon/tmp999.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

{DIFF}--{" "}
2.43.0
"""

REPLY_BODY = """\
On Tue, Jul 14, 2026 at 08:21:25AM +0000, Ada Example wrote:
> The register is 16 bits wide.
> -\tret = read(dev);
> +\tret = read_word(dev);

{words}

--\x20
Bob
"""

HEADERS = {
    "Received": "from mx.example.org by lists.example.org; Tue, 14 Jul 2026 08:22:00 +0000",
    "From": "Ada Example <ada@example.org>",
    "To": "linux-hwmon@vger.kernel.org",
    "Subject": "[PATCH v2 1/3] hwmon: (tmp999) Read the whole register",
    "Date": "Tue, 14 Jul 2026 10:21:25 +0200",
    "Message-ID": "<20260714082125.1-ada@example.org>",
    "List-Id": "<linux-hwmon.vger.kernel.org>",
}


Field = str | bytes | list[str] | None
"""A header's value, several of them, or None for a mail without that header."""


def mail(body: str | bytes = "Hello.\n", /, **headers: Field) -> bytes:
    """A mail of these headers over the usual ones; ``in_reply_to`` is In-Reply-To, ``from_`` is From."""
    fields: dict[str, Field] = dict(HEADERS)
    usual = {name.lower(): name for name in fields}
    for key, value in headers.items():
        name = key.rstrip("_").replace("_", "-")
        fields[usual.get(name, name)] = value
    head = b"".join(_lines(name, value) for name, value in fields.items())
    return head + b"\n" + (body if isinstance(body, bytes) else body.encode())


def _lines(name: str, field: Field) -> bytes:
    if field is None:
        return b""
    values: list[str | bytes] = [*field] if isinstance(field, list) else [field]
    octets = [value if isinstance(value, bytes) else value.encode() for value in values]
    return b"".join(b"%s: %s\n" % (name.encode(), value) for value in octets)


def patch(**headers: Field) -> bytes:
    return mail(PATCH_BODY, **headers)


def reply(words: str, **headers: Field) -> bytes:
    """Bob's answer to the patch."""
    usual: dict[str, Field] = {
        "from_": "Bob Builder <bob@example.com>",
        "subject": f"Re: {HEADERS['Subject']}",
        "message_id": "<reply-1@example.com>",
        "in_reply_to": HEADERS["Message-ID"],
        "references": f"<cover@example.org> {HEADERS['Message-ID']}",
    }
    return mail(REPLY_BODY.format(words=words), **{**usual, **headers})


def multipart(*parts: bytes, kind: str = "mixed", **headers: Field) -> bytes:
    """Each part with its own header and blank line."""
    body = b"preamble\n" + b"".join(b"--=_b\n" + part + b"\n" for part in parts) + b"--=_b--\nepilogue\n"
    return mail(body, content_type=f'multipart/{kind}; boundary="=_b"', **headers)
