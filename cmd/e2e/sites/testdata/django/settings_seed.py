"""A site as the chat seed has it: Django's own users, and tables that Django has named and made."""
from settings import *  # noqa: F401,F403
from settings import INSTALLED_APPS

AUTH_USER_MODEL = "auth.User"
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "chat"] + ["seed.apps.SeedConfig"]
