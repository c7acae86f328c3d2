"""What is French and pure: amounts, dates and hours in words, Paris time, working days, school and public holidays."""
