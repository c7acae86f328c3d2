"""What families hand in: proofs and certificates, their files, what the desk says of them, when they expire."""
