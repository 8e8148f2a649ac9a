"""Sending mails through SES."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from api.people.signin.mail import Mail
from watchkeeper.budgets import Budget
from watchkeeper.logs import logger
from watchkeeper.translation import translated

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient

BUDGET = Budget(connect_seconds=0.3, read_seconds=1.8, attempts=1, leftover_seconds=0)
"""Cognito waits five seconds for the trigger that sends the mail, of which its table takes at most 2.8. There are no
retries: the first mail may be on its way."""

_UTF8 = "UTF-8"


class Mailer:
    def __init__(self, client: "SESClient", sender: str) -> None:
        self._client = client
        self._sender = sender

    def send(self, address: str, mail: Mail) -> None:
        """Raises ``DatabaseError`` and its subclasses. An address that SES considers invalid is only logged: the caller
        gets the same response as for any address."""
        with translated("the mail was not sent"):
            try:
                self._send(address, mail)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "InvalidParameterValue":
                    raise
                logger.warning("an address was refused by the mail service")

    def _send(self, address: str, mail: Mail) -> None:
        self._client.send_email(
            Source=self._sender,
            Destination={"ToAddresses": [address]},
            Message={
                "Subject": {"Data": mail.subject, "Charset": _UTF8},
                "Body": {
                    "Text": {"Data": mail.text, "Charset": _UTF8},
                    "Html": {"Data": mail.html, "Charset": _UTF8},
                },
            },
        )
