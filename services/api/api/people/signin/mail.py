"""The mail with the code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    text: str
    html: str


def mail_with(code: str, minutes: int) -> Mail:
    """The code is also in the subject, where phones show it without opening the mail."""
    why = (
        f"It is valid for {minutes} minutes and can be used once. If you did not ask for it, somebody mistyped "
        "an address; nobody signs in without the code, so never pass it on."
    )
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Your code</title></head>'
        '<body style="font-family:sans-serif;line-height:1.5">'
        "<p>Your code to sign in to Watchkeeper is</p>"
        f'<p style="font-size:2em;letter-spacing:.2em"><strong>{code}</strong></p><p>{why}</p></body></html>'
    )
    text = f"Your code to sign in to Watchkeeper is\n\n    {code}\n\n{why}\n"
    return Mail(f"{code} is your Watchkeeper code", text, html)
