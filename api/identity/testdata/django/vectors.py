#!/usr/bin/env python3
"""Has the real Django make what api reads of it: prints vectors.json, which the tests read.

    PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 api/identity/testdata/django/vectors.py >api/identity/testdata/django/vectors.json

Made with Debian's python3-django 3.2; the formats are those of Django 3.1 to 5.2, and of the versions before 3.1.
"""
import json
import sys
import time
import warnings

import django
from django.conf import settings

warnings.simplefilter("ignore")
SECRET = "django-insecure-#4(golden)=vectors%s" % "é"
OLD = "the-key-before"
settings.configure(SECRET_KEY=SECRET, INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"])
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends import cached_db, db  # noqa: E402
from django.contrib.sessions.serializers import JSONSerializer, PickleSerializer  # noqa: E402
from django.core import signing  # noqa: E402
from django.test import override_settings  # noqa: E402

time.time = lambda: 1_700_000_000.0
PASSWORD = "pbkdf2_sha256$260000$c2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="


def hashes(secret):
    with override_settings(SECRET_KEY=secret):
        user = User(password=PASSWORD)
        return user.get_session_auth_hash(), user._legacy_get_session_auth_hash()


SHA256, SHA1 = hashes(SECRET)


def session(**more):
    return {"_auth_user_id": "7", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend", "_auth_user_hash": SHA256, **more}


def encode(values, engine=db, secret=SECRET, **over):
    with override_settings(SECRET_KEY=secret, **over):
        return engine.SessionStore().encode(values)


def vector(name, text, user="7", hash=SHA256, error=""):
    return {"name": name, "text": text, "user": user, "hash": hash, "error": error}


def signed_with_sha1(values):
    signer = signing.TimestampSigner(salt="django.contrib.sessions.SessionStore", algorithm="sha1")
    return signer.sign_object(values, serializer=JSONSerializer, compress=True)


def other_class(values):
    class Elsewhere(db.SessionStore):
        pass

    return Elsewhere().encode(values)


bomb = {**session(), "bomb": "0" * (2 << 20)}
vectors = [
    vector("a login", encode(session())),
    vector("short enough not to be packed", encode({"_auth_user_id": "7", "_auth_user_backend": "b", "_auth_user_hash": "x"}), hash="x"),
    vector("with more in it, packed", encode(session(cart=list(range(200)), name="Žofie \u2028 \U0001f600", deep={"a": [None, True, 1.5]}))),
    vector("engine cached_db", encode(session(), engine=cached_db)),
    vector("signed with sha1", signed_with_sha1(session(_auth_user_hash=SHA1)), hash=SHA1),
    vector("before Django 3.1", encode(session(_auth_user_hash=SHA1), DEFAULT_HASHING_ALGORITHM="sha1"), hash=SHA1),
    vector("with the key before", encode(session(), secret=OLD)),
    vector("before Django 3.1 with the key before", encode(session(), secret=OLD, DEFAULT_HASHING_ALGORITHM="sha1")),
    vector("nobody", encode({"cart": [1, 2]}), "", ""),
    vector("nothing", encode({}), "", ""),
    vector("no backend", encode({"_auth_user_id": "7", "_auth_user_hash": SHA256}), "", ""),
    vector("no hash", encode({"_auth_user_id": "7", "_auth_user_backend": "b"}), "", ""),
    vector("the id is no text", encode({**session(), "_auth_user_id": 7}), "", ""),
    vector("other capitals", encode({"_AUTH_USER_ID": "1", "_Auth_User_Backend": "b", "_Auth_User_Hash": "h"}), "", ""),
    vector("capitals besides", encode({**session(), "_AUTH_USER_ID": "1"})),
    vector("another key", encode(session(), secret="guessed"), "", "", "signature"),
    vector("another key, before Django 3.1", encode(session(), secret="guessed", DEFAULT_HASHING_ALGORITHM="sha1"), "", "", "signature"),
    vector("signed for another purpose", signing.dumps(session(), compress=True), "", "", "signature"),
    vector("another class", other_class(session()), "", "", "signature"),
    vector("pickled", encode(session(), SESSION_SERIALIZER="django.contrib.sessions.serializers.PickleSerializer"), "", "", "pickle"),
    vector(
        "pickled before Django 3.1",
        encode(session(), SESSION_SERIALIZER="django.contrib.sessions.serializers.PickleSerializer", DEFAULT_HASHING_ALGORITHM="sha1"),
        "", "", "pickle",
    ),
    vector("no object", encode([1, 2]), "", "", "content"),
    vector("no number of JSON", encode({**session(), "x": float("nan")}), "", "", "content"),
    vector("two megabytes of zeros", encode(bomb), "", "", "size"),
]
golden = {
    "django": django.get_version(),
    "secret": SECRET,
    "fallback": OLD,
    "password": PASSWORD,
    "seals": [SHA256, SHA1, *hashes(OLD)],
    "foreign_seal": hashes("guessed")[0],
    "sessions": vectors,
}
json.dump(golden, sys.stdout, indent=1, ensure_ascii=True)
print()
