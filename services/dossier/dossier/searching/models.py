"""The words by which each dossier is found, and all there are; the database keeps both (`search_texts.py`)."""

from uuid import UUID

from chassis.law import impersonal, personal
from chassis.schema import may
from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from dossier.models import Base


class SearchText(Base):
    """Number, address and names of a dossier's adults and children: each word once, plain."""

    __tablename__ = "search_texts"
    __table_args__ = (
        # Without its list of what waits to be indexed: it would be read through by each search after an import.
        Index("ix_search_texts_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        may("UPDATE", law=personal("Recherche", dossier="dossier_id", unexported="made of what is exported itself")),
    )

    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(index=True)
    words: Mapped[str] = mapped_column(TSVECTOR())


class SearchWord(Base):
    """A word of some dossier's; what has a digit is not here: a number is right or wrong."""

    __tablename__ = "search_words"
    __table_args__ = may("DELETE", law=impersonal("as long as a dossier has the word"))

    word: Mapped[str] = mapped_column(primary_key=True)
