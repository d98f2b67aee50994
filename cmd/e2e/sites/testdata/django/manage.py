#!/usr/bin/env python3
"""A small Django site that knows nothing of Rowcall: its models are the tables of the example applications."""
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
