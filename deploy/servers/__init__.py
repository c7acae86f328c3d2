"""Private PostgreSQL and RabbitMQ on free loopback ports, and the processes of one run folder: nothing stays behind."""
