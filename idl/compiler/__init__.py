# SPDX-License-Identifier: MIT
"""The IDL compiler: lex -> parse -> check -> layout -> emit. docs/idl.md describes language and output."""
