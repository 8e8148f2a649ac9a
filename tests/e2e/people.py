"""People who use the app: they sign in with a mailed code, and send requests with the resulting tokens."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import requests

from local import mail
from local.cloud import LocalCloud

Json = dict[str, Any]
Headers = Mapping[str, str | bytes]

SECONDS = 30
JSON = "application/json"


@dataclass
class Person:
    """Somebody with an address, and with tokens after the sign-in."""

    cloud: LocalCloud
    email: str
    url: str
    tokens: Json = field(default_factory=dict)
    """What the sign-in was answered with."""
    session: requests.Session = field(default_factory=requests.Session)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Headers | None = None,
        parameters: Mapping[str, str | int] | None = None,
    ) -> requests.Response:
        """Whatever the answer is; `path` counts from /api/v1/."""
        signed = {"Authorization": f"Bearer {self.tokens['access_token']}"} if self.tokens else {}
        typed = {} if body is None else {"json": body}
        return self.session.request(
            method,
            f"{self.url}/{path}",
            headers={**signed, **(headers or {})},
            params=parameters,
            timeout=SECONDS,
            allow_redirects=False,
            **typed,
        )

    def get(self, path: str, headers: Headers | None = None, **parameters: str | int) -> requests.Response:
        return self.ask("GET", path, headers=headers, parameters=parameters)

    def read(self, path: str, **parameters: str | int) -> Any:
        return expect(self.ask("GET", path, parameters=parameters), 200)

    def post(self, path: str, body: Any = None, headers: Headers | None = None) -> requests.Response:
        return self.ask("POST", path, {} if body is None else body, headers)

    def patch(self, path: str, body: Any, headers: Headers | None = None) -> requests.Response:
        return self.ask("PATCH", path, body, headers)

    def delete(self, path: str, headers: Headers | None = None) -> requests.Response:
        return self.ask("DELETE", path, headers=headers)

    # Signing in

    def login(self) -> requests.Response:
        return self.post("auth/login", {"email": self.email})

    def verify(self, session: str, code: str) -> requests.Response:
        return self.post("auth/verify", {"email": self.email, "session": session, "code": code})

    def refresh(self, token: str | None = None) -> requests.Response:
        return self.post("auth/refresh", {"refresh_token": token or self.tokens["refresh_token"]})

    def logout(self) -> requests.Response:
        return self.post("auth/logout", {"refresh_token": self.tokens["refresh_token"]})

    def codes(self) -> list[str]:
        """All that were mailed to this person, oldest first."""
        mails = (one for one in mail.sent(self.cloud) if self.email in one.to)
        return [one.code for one in mails if one.code]

    def sign_in(self) -> "Person":
        session = expect(self.login(), 200)["session"]
        self.tokens = expect(self.verify(session, self.codes()[-1]), 200)
        return self

    @property
    def id(self) -> str:
        return str(self.read("me")["id"])


class People:
    """Of one cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.url = f"{cloud.api_url}/api/v1"
        outputs = cloud.outputs("api")
        self.pool, self.client = outputs["UserPoolId"], outputs["UserPoolClientId"]
        self._met: list[Person] = []

    def stranger(self, name: str) -> Person:
        """Nobody has heard of them yet."""
        person = Person(self.cloud, f"{name}-{token_hex(4)}@watchkeeper.test", self.url)
        self._met.append(person)
        return person

    def signed_in(self, name: str) -> Person:
        return self.stranger(name).sign_in()

    def with_token(self, token: str) -> Person:
        """Somebody of whom only a token is known."""
        person = self.stranger("nobody")
        person.tokens = {"access_token": token}
        return person

    def after_a_quarter_of_an_hour(self) -> None:
        """All tests ask from one network address: what limits it has used up is given back."""
        for item in list(self._rows()):
            if item["PK"]["S"].startswith("LIMIT#"):
                self.cloud.dynamodb.delete_item(TableName=self.cloud.name("sign-in"), Key={"PK": item["PK"]})

    def _rows(self) -> Iterator[Any]:
        pages = self.cloud.dynamodb.get_paginator("scan").paginate(TableName=self.cloud.name("sign-in"))
        return (item for page in pages for item in page["Items"])

    def close(self) -> None:
        for person in self._met:
            person.session.close()


def expect(answer: requests.Response, status: int) -> Any:
    """What the answer says, if it is of that status."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:500]}"
    return answer.json() if answer.content else None


def problem(answer: requests.Response, status: int) -> str:
    """The kind of problem the answer tells of."""
    told = expect(answer, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert told["status"] == status
    return str(told["type"]).removeprefix("urn:watchkeeper:problem:")
