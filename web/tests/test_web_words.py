"""What is written on the pages: formal, plain French."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from web.pages.registration import READINGS
from web.rendering import FOLDER, RUBRICS

#: « tu », what is English, and what only a programmer says.
WRONG = re.compile(
    r"\b(tu|toi|ton|ta|tes|e-?mails?|mails?|login|password|slot|booking|timeout|token|ok|user|username|update|check|"
    r"submit|null|none|undefined|url|bug)\b",
    re.IGNORECASE,
)


def words_of(source: str) -> Iterator[str]:
    """The texts of a template as a reader sees them, without tags and expressions."""
    without_code = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "\n", source, flags=re.DOTALL)
    yield from (text.strip() for text in re.sub(r"<[^>]*>", "\n", without_code).split("\n") if text.strip())


@pytest.mark.parametrize("template", sorted(FOLDER.rglob("*.html")), ids=lambda path: path.stem)
def test_a_page_speaks_formal_french(template: Path) -> None:
    assert [text for text in words_of(template.read_text()) if WRONG.search(text)] == []


@pytest.mark.parametrize(
    "said",
    [
        "Inscrivez-vous",
        "cliquez ici",
        "Etape",
        "J'ai lu et j'accepte",
        "Accepter",
        "Mon dossier",
        "Inscription",
        "Inscrire",
        "Inscriptions en paiement immédiat",
        "Valider",
        "Payer",
        "Planning",
        "Facturation",
        "Conserver en brouillon",
        "Quitter",
    ],
)
def test_the_guides_own_words_are_on_the_pages(said: str) -> None:
    texts = [text for template in FOLDER.rglob("*.html") for text in words_of(template.read_text())]
    rubrics = [name for _, name in RUBRICS]
    accepted = [words for reading in READINGS for words in (reading.label, reading.button)]
    assert any(said in text for text in [*texts, *rubrics, *accepted])


def test_what_is_not_said_so_is_found() -> None:
    assert WRONG.search("Indique ton email")
    assert list(words_of("<p>{{ ton }} <b>Votre</b></p>{# tu #}")) == ["Votre"]
