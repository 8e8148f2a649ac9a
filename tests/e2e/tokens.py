"""Tokens as attackers would forge them, and as the user pool itself would issue them."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.cloud import LocalCloud

Json = dict[str, Any]
Sign = Callable[[bytes], bytes]


def part_of(value: Mapping[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def read(token: str) -> tuple[Json, Json]:
    """Its header and its claims."""
    header, claims, _ = token.split(".")
    return json.loads(_octets(header)), json.loads(_octets(claims))


def claims_of(token: str) -> Json:
    return read(token)[1]


def made(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Sign) -> str:
    signed = f"{part_of(header)}.{part_of(claims)}"
    return f"{signed}.{_text(sign(signed.encode()))}"


def resigned(token: str, sign: Sign, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """The same token with other claims, signed by somebody."""
    old_header, old_claims = read(token)
    return made(old_header | dict(header or {}), old_claims | claims, sign)


def unsigned(_: bytes) -> bytes:
    return b""


def by(key: rsa.RSAPrivateKey) -> Sign:
    return lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def by_nobody_we_know() -> Sign:
    return by(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def by_the_pool(cloud: LocalCloud, pool: str) -> Sign:
    """The emulator stores the keys of its pools in files; on AWS they are not accessible."""
    pem = (cloud.state_dir / "cloud" / "cognito-pool-keys" / f"{pool}-access.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return by(key)


def with_the_public_key(cloud: LocalCloud, pool: str) -> Sign:
    """HMAC with public data: some verifiers accept whatever algorithm a token names."""
    keys = requests.get(f"{cloud.endpoint}/{pool}/.well-known/jwks.json", timeout=10).json()["keys"]
    number, exponent = (int.from_bytes(_octets(keys[0][name]), "big") for name in ("n", "e"))
    pem = (
        rsa.RSAPublicNumbers(exponent, number)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return lambda message: hmac.digest(pem, message, "sha256")


def of_another_client(cloud: LocalCloud, pool: str, email: str) -> str:
    """A real access token that a pool issued to an app which is not ours."""
    cognito = cloud.client("cognito-idp")
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="another", ExplicitAuthFlows=flows)
    client_id = client["UserPoolClient"]["ClientId"]
    try:
        password = {"Password": "Of-a-test-0123456789-0123456789-abcdef", "Permanent": True}
        cognito.admin_set_user_password(UserPoolId=pool, Username=email, **password)
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password["Password"]},
        )
    finally:
        cognito.delete_user_pool_client(UserPoolId=pool, ClientId=client_id)
    return str(answer["AuthenticationResult"]["AccessToken"])


def of_another_pool(cloud: LocalCloud, email: str) -> str:
    """A real access token of somebody with that address in a pool that is not ours."""
    cognito = cloud.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="another", UsernameAttributes=["email"])["UserPool"]["Id"]
    try:
        cognito.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS")
        return of_another_client(cloud, pool, email)
    finally:
        cognito.delete_user_pool(UserPoolId=pool)


def an_hour_ago() -> int:
    return int(time.time()) - 3600


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
