"""A town of any size, by COPY: what services own, and what the others keep of it, as by their events."""
