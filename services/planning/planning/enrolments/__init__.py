"""What enrolments do to the planning: usual weeks, what is given up with a withdrawal, moves to another site."""
