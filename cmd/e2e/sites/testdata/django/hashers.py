"""Password hashes that a test does not wait for."""
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class FewIterations(PBKDF2PasswordHasher):
    """Django's usual hash: a hash names its iterations, so everybody who checks one reads them there."""

    iterations = 1000
