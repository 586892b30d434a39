"""Mežmala, a small shop that sells nothing: what an owner's shop looks like to Atbalss, with the snippet in it.

It runs on a port of its own, so everything that a foreign page meets is met here: cross-origin requests, a strict
content security policy, orders that only the shop's server can vouch for.
"""
