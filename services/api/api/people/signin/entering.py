"""The use cases: every step is rate-limited before Cognito is called, and refusals are reported to the bus."""

from dataclasses import dataclass

from api.people.signin.limits import (
    CODES_FOR_A_CLIENT,
    CODES_FOR_AN_ADDRESS,
    RENEWALS_OF_A_CLIENT,
    TRIES_OF_A_CLIENT,
    Limits,
    network_of,
)
from api.people.signin.ports import Sessions, SignIn, Tokens
from api.people.signin.telling import Telling


@dataclass(frozen=True, slots=True)
class Entrance:
    """All methods raise ``TooManyRequests``, and what the ports raise."""

    sign_in: SignIn
    sessions: Sessions
    limits: Limits
    telling: Telling

    def start(self, email: str, client_address: str) -> str:
        """The client's limit comes first: a client that has reached it cannot use up an address's limit."""
        with self.telling.of_refusals():
            self.limits.spend(CODES_FOR_A_CLIENT, network_of(client_address))
            self.limits.spend(CODES_FOR_AN_ADDRESS, email)
            return self.sign_in.start(email, client_address)

    def answer(self, email: str, session: str, code: str, client_address: str) -> Tokens:
        with self.telling.of_refusals():
            self.limits.spend(TRIES_OF_A_CLIENT, network_of(client_address))
            return self.sign_in.answer(email, session, code, client_address)

    def refresh(self, refresh_token: str, client_address: str) -> Tokens:
        with self.telling.of_refusals():
            self.limits.spend(RENEWALS_OF_A_CLIENT, network_of(client_address))
            return self.sessions.refresh(refresh_token)

    def end(self, refresh_token: str, client_address: str) -> None:
        with self.telling.of_refusals():
            self.limits.spend(RENEWALS_OF_A_CLIENT, network_of(client_address))
            self.sessions.end(refresh_token)
