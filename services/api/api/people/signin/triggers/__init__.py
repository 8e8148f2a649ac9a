"""The functions Cognito calls during a sign-in. It waits five seconds, and calls up to three times."""
