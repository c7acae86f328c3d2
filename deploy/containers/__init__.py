"""The portal in containers: its secrets, and the demonstration that docker-compose.yml runs."""
