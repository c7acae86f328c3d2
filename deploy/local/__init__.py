"""The launcher: one whole stack on private PostgreSQL and RabbitMQ, on this machine, leaving nothing behind."""
