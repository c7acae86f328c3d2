"""What is to be printed for families whom no mail reaches, and that it was."""
