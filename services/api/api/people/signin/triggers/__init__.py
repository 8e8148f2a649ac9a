"""The functions Cognito calls while somebody signs in. It waits five seconds, and calls up to three times."""
