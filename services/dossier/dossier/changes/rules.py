"""What a family may ask to have changed."""

#: By kind, of whom it is about: what is asked to be changed.
WORDS = {
    "adult_name": "le nom de {}",
    "child_identity": "le nom ou la date de naissance de {}",
    "address": "votre adresse",
    "quotient": "votre quotient familial",
    "new_child": "l'arrivée de {} dans votre famille",
    "school": "l'école de {}",
    "custody": "la garde alternée de {}",
}
