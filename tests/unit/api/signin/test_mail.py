from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from api.people.signin.mail import mail_with
from api.people.signin.mailer import Mailer
from watchkeeper.errors import DatabaseError, Throttled

MAIL = mail_with("012345", 5)


@pytest.fixture(scope="module")
def session() -> Any:
    """Reads AWS's models once."""
    return botocore.session.get_session()


@pytest.fixture
def client(session: Any) -> Any:
    return session.create_client(
        "ses", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


def test_a_mail_says_the_code_in_all_its_parts_and_how_long_it_holds() -> None:
    for part in (MAIL.subject, MAIL.text, MAIL.html):
        assert part.count("012345") == 1
    assert "5 minutes" in MAIL.text
    assert "5 minutes" in MAIL.html


def test_a_mail_loads_nothing_and_leads_nowhere() -> None:
    assert "http" not in MAIL.html
    assert "src" not in MAIL.html


def test_it_goes_to_one_address_from_the_stages_sender(client: Any) -> None:
    expected = {
        "Source": "sign-in@watchkeeper.test",
        "Destination": {"ToAddresses": ["ada@example.org"]},
        "Message": {
            "Subject": {"Data": MAIL.subject, "Charset": "UTF-8"},
            "Body": {
                "Text": {"Data": MAIL.text, "Charset": "UTF-8"},
                "Html": {"Data": MAIL.html, "Charset": "UTF-8"},
            },
        },
    }
    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "1"}, expected)
        Mailer(client, "sign-in@watchkeeper.test").send("ada@example.org", MAIL)
        stub.assert_no_pending_responses()


def test_an_address_the_mail_service_takes_for_none_is_no_failure_of_ours(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("send_email", "InvalidParameterValue", "Domain contains illegal character")
        Mailer(client, "sign-in@watchkeeper.test").send("ada@example.org", MAIL)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("MessageRejected", DatabaseError),
        ("AccountSendingPausedException", DatabaseError),
        ("AccessDenied", DatabaseError),
        ("Throttling", Throttled),
    ],
)
def test_what_keeps_all_mails_back_is_told(client: Any, code: str, error: type[Exception]) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("send_email", code, "ada@example.org cannot be written to")
        with pytest.raises(error) as told:
            Mailer(client, "sign-in@watchkeeper.test").send("ada@example.org", MAIL)

    assert "ada@" not in str(told.value)
