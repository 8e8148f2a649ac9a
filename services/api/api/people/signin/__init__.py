"""Signing in by a code that is mailed: no password is ever asked for.

| step | who | what |
|---|---|---|
| login | function `auth` | signs a new address up with a password nobody knows, and begins a sign-in (CUSTOM_AUTH) |
| | trigger `pre-sign-up` | confirms the new user; its address counts as verified with the first right code |
| | trigger `define-auth-challenge` | says that a code is needed, that there were too many tries, or that it was right |
| | trigger `create-auth-challenge` | creates the code, stores its hash, and mails it |
| verify | function `auth` | submits the code, and gets tokens or a renewed session |
| | trigger `verify-auth-challenge` | compares the answer with the hash: three tries, five minutes, once |
| refresh, logout | function `auth` | new tokens for a refresh token; its revocation |

Cognito's own endpoints are open to anybody who knows the client's id. They are useless without its secret, which only
`auth` knows, so that nobody can bypass the limits here.
"""
