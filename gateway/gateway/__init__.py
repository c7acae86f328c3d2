"""The one door: sends `/api/<service>/v1/...` to its service and joins their OpenAPI documents.

Owns no data and decides nothing about callers: each service verifies and judges by itself.
"""
