# SPDX-License-Identifier: MIT
"""The build: a small package behind build.py. See docs/building.md."""
