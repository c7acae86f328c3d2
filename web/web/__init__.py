"""The pages that families see. Owns nothing, publishes nothing, hears nothing: a client of the public API.

Any number of it can run: what must outlive a request is in the family's own sealed cookie, or in the services.
"""
