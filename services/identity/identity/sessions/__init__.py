"""Who is signed in: proofs, enrolled tablets, and the line of refresh tokens that comes of a sign-in."""
