"""The owner's pages under /app: one file a page, found by its `PAGE`; names with a leading underscore are no pages.

_page.py says what a page is made of; _gate.py who gets in.
"""
